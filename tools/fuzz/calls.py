"""Generates the calls, mostly valid or nearly so, and the policies for them."""

from __future__ import annotations

import base64
import json
import random
from typing import Any

from hypothesis import strategies as st

from presign.model.operations import OPERATIONS
from presign.read import routes
from presign.read.events import EVENT_TYPES

PRESIGN, BATCH, DOCUMENT = routes.PRESIGN.path, routes.BATCH.path, routes.DOCUMENT.path

BUCKETS = ("uploads", "Public_Assets")
PREFIXES = ("", "", "users/{sub}/", "inbox/", "{tenant}/{sub}/", "users/alice/")
POLICIES = 300
"""The number of policies; the number of a policy is its seed."""

_odd = st.sampled_from(
    [
        *("..", ".", "/", "//", "%2e%2e", "%2F", "+", " ", "?", "#", "&=", "\\", "~"),
        "\u2028",
        "${filename}",
        "\r\n",
        "\0",
    ]
)
_plain = st.text("abcXYZ019-_.~ ü%+", min_size=1, max_size=12)
_text = st.one_of(_plain, _plain, _plain, st.text(max_size=20), _odd)
_number = st.one_of(
    st.integers(0, 20),
    st.sampled_from(
        [899, 900, 901, 3600, 604_800, 604_801, 10_000, 10_001, 5 * 1024**2, 5 * 1024**2 + 1, 50 * 1024**3]
    ),
    st.integers(-(2**70), 2**70),
)
_junk = st.recursive(
    st.none() | st.booleans() | _number | st.floats(allow_nan=False) | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=5,
)
_media_type = st.sampled_from(
    ["image/png", "image/png", "IMAGE/PNG", "text/plain; charset=utf-8", "application/json", "image/", "x/y/z"]
)
_folder = st.sampled_from(["users/alice/", "inbox/", "acme/alice/", "users/", ""])
_key = st.one_of(
    st.builds("{}{}".format, _folder, _plain),
    st.builds("{}{}".format, _folder, _plain),
    st.builds("".join, st.lists(_folder | _text, max_size=3)),
)


def _digest(size: int) -> st.SearchStrategy[str]:
    return st.binary(min_size=size, max_size=size).map(lambda digest: base64.b64encode(digest).decode())


_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "bucket": st.sampled_from([*BUCKETS, "uploads-alice"]),
    "expires_in": st.integers(1, 900) | st.integers(1, 4000),
    "content_type": _media_type,
    "content_length": st.one_of(st.integers(0, 20), st.integers(0, 6 * 1024**2)),
    "min_content_length": st.integers(0, 20),
    "max_content_length": st.integers(10, 6 * 1024**2),
    "content_md5": _digest(16),
    "checksum_sha256": _digest(32),
    "metadata": st.dictionaries(st.text("abcXYZ-_0 ", max_size=8), _text, max_size=3),
    "if_none_match": st.just("*"),
    "upload_id": st.text("abcXYZ019-_.~+/=", min_size=1, max_size=20),
    "version_id": st.text("abcXYZ019-_.~+/=", min_size=1, max_size=20),
    "part_number_marker": st.integers(0, 10_000),
    "max_parts": st.integers(1, 1000),
    "part_number": st.integers(1, 12_000),
    "via": st.sampled_from(["s3", "s3", "s3", "par"]),
    "prefix": _key,
    "start_after": _key,
    "key_marker": _key,
    "max_keys": st.integers(1, 1000),
    "max_uploads": st.integers(1, 1000),
    "metadata_directive": st.sampled_from(["COPY", "REPLACE", "REPLACE"]),
    "source_version_id": st.text("abcXYZ019-_.~+/=", min_size=1, max_size=20),
    "success_action_status": st.sampled_from([200, 201, 204, 204, 303]),
    "response_expires": st.datetimes(timezones=st.just(None)).map(lambda moment: f"{moment:%Y-%m-%dT%H:%M:%S}Z"),
}


@st.composite
def _request(draw: st.DrawFn) -> dict[str, Any]:
    """A request with some of its operation's options, and sometimes a wrong one."""
    name = draw(st.sampled_from(sorted(OPERATIONS)))
    options = sorted(set(OPERATIONS[name].__struct_fields__) - {"key"})
    chosen = draw(st.lists(st.sampled_from(options), max_size=5, unique=True))
    chosen += [option for option in ("expires_in", "content_length") if option in options and draw(st.booleans())]
    if name not in ("post_object", "put_object") and "upload_id" in options:
        chosen += [option for option in ("upload_id", "part_number") if option in options]
    request: dict[Any, Any] = {"operation": name}
    if "key" in OPERATIONS[name].__struct_fields__:
        request["key"] = draw(_key)
    if "source_key" in options:
        request |= {"source_key": draw(_key), "source_bucket": draw(st.sampled_from(BUCKETS))}
    request |= {option: draw(_VALUES.get(option, _text)) for option in chosen}
    if draw(st.integers(0, 9)) == 9:
        every = sorted({option for operation in OPERATIONS.values() for option in operation.__struct_fields__})
        request[draw(st.sampled_from([*every, "operation", "colour"]))] = draw(_junk)
    return request


_event = st.fixed_dictionaries(
    {
        "eventType": st.sampled_from([*EVENT_TYPES, "other"]),
        "data": st.fixed_dictionaries(
            {"resourceName": _key, "additionalDetails": st.fixed_dictionaries({"bucketName": st.sampled_from(BUCKETS)})}
        )
        | _junk,
    }
)
_item = st.one_of(_request(), _request(), _request(), _junk)
_KINDS = {
    "one": (PRESIGN, _request()),
    "batch": (BATCH, st.fixed_dictionaries({"requests": st.lists(_item, min_size=1, max_size=4)})),
    "event": (PRESIGN, _event),
    "junk": (PRESIGN, _junk),
}
_kind = st.sampled_from(["one"] * 7 + ["batch"] * 3 + ["event", "junk"])
_PATHS = [PRESIGN, BATCH, DOCUMENT, "/", f"/v1/presigner{PRESIGN}?a=b", "/v1/presign/x"]
_claim = st.sampled_from(["alice", "acme", "editor", '["editor", "admin"]', "editor admin", "..", "a/b", "ü", "[", ""])
_claims = st.one_of(
    st.just({"sub": "alice", "tenant": "acme", "groups": "editor"}),
    st.just({"sub": "alice", "tenant": "acme", "groups": '["editor", "admin"]'}),
    st.dictionaries(st.sampled_from(["sub", "tenant", "groups"]), _claim | _text),
)


@st.composite
def calls(draw: st.DrawFn) -> dict[str, Any]:
    """A call: mostly JSON at its own path, sometimes with bytes removed or inserted."""

    def seldom() -> bool:
        return draw(st.integers(0, 15)) == 15

    path, document = _KINDS[draw(_kind)]
    body = json.dumps(draw(document), ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    if seldom():
        begin = draw(st.integers(0, len(body)))
        end = draw(st.integers(begin, len(body)))
        body = body[:begin] + draw(st.binary(max_size=8)) + body[end:]
    return {
        "number": draw(st.integers(0, POLICIES - 1)),
        "caller": draw(st.sampled_from(["gateway", "invoke"])),
        "method": draw(st.sampled_from(["GET", "PUT", "OPTIONS"])) if seldom() else "POST",
        "target": draw(st.sampled_from(_PATHS)) if seldom() else path,
        "claims": draw(_claims),
        "body": body,
    }


def policy(number: int) -> list[dict[str, Any]]:
    """The rules of the policy of this number."""
    chance = random.Random(number)
    return [_rule(chance) for _ in range(chance.randint(1, 4))]


def _rule(chance: random.Random) -> dict[str, Any]:
    names = [*sorted({*OPERATIONS} - {"get_prefix"}), "read", "write", "multipart", *["*"] * 8]
    rule: dict[str, Any] = {
        "operations": chance.sample(names, chance.randint(1, 4)),
        "bucket": chance.choice([*BUCKETS, BUCKETS[0], "uploads-{sub}"]),
        "prefix": chance.choice(PREFIXES),
    }
    options = {
        "callers": chance.choice([["gateway"], ["invoke"], ["gateway", "invoke"]]),
        "when": {"groups": chance.choice([["editor"], ["admin", "[", ""]])},
        "max_expires_in": chance.choice([1, 900, 3600]),
        "max_content_length": chance.choice([10, 5 * 1024**2, 5 * 1024**2 + 1, 10**11]),
        "content_types": chance.choice([["image/*"], ["image/png", "application/json"], ["*/*"]]),
        "create_only": True,
        "response_overrides": chance.choice(["any", "none", "download"]),
    }
    return rule | {name: value for name, value in options.items() if chance.random() < 0.3}
