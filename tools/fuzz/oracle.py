"""A second implementation of the policy, for what a URL or form allows its holder to do at the store.

It shares nothing with the function's model, policy or parser.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from math import ceil
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

MIB = 1024 * 1024
MULTIPART = {
    "create_multipart_upload",
    "upload_part",
    "complete_multipart_upload",
    "abort_multipart_upload",
    "list_parts",
    "list_multipart_uploads",
}
GROUPS = {
    "read": {"get_object", "head_object"},
    "write": {"put_object", "post_object", *MULTIPART},
    "multipart": MULTIPART,
    "*": {"get_object", "head_object", "put_object", "delete_object", "post_object", *MULTIPART}
    | {"copy_object", "list_objects_v2"},
}


class Access(NamedTuple):
    """The access that a URL or form gives its holder.

    Args:
        operation: in S3's terms.
        bucket, key: the object; of a list, the prefix of its objects.
        seconds: how long it lasts.
        headers: the headers that must be sent, or the fields of the form; names in lower case.
        query: of the URL.
        size_range: least and most bytes of the file of a form; None if it has no limit.
    """

    operation: str
    bucket: str
    key: str
    seconds: int
    headers: Mapping[str, str]
    query: Mapping[str, str]
    size_range: tuple[int, int] | None = None


def access_of(answer: Mapping[str, Any], *, seconds: int) -> Access:
    """Read the access from the URL, headers and fields of an answer.

    Args:
        answer: with a URL or form.
        seconds: the lifetime of a form; a URL has its own in the query.
    """
    url = urlsplit(answer["url"])
    bucket, _, key = unquote(url.path, errors="strict")[1:].partition("/")
    if fields := answer.get("fields"):
        conditions = json.loads(base64.b64decode(fields["policy"]))["conditions"]
        ranges = [tuple(one[1:]) for one in conditions if isinstance(one, list) and one[0] == "content-length-range"]
        names = {name.lower(): value for name, value in fields.items()}
        return Access("post_object", bucket, fields["key"], seconds, names, {}, ranges[0] if ranges else None)
    query = dict(parse_qsl(url.query, keep_blank_values=True, errors="strict"))
    headers = {name.lower(): value for name, value in answer["headers"].items()}
    get, put = "get_object", "put_object"
    if not key:
        get, key = "list_multipart_uploads" if "uploads" in query else "list_objects_v2", query.get("prefix", "")
    if "x-amz-copy-source" in headers:
        put = "copy_object"
    operation = {
        "GET": "list_parts" if "uploadId" in query else get,
        "HEAD": "head_object",
        "PUT": "upload_part" if "partNumber" in query else put,
        "POST": "complete_multipart_upload" if "uploadId" in query else "create_multipart_upload",
        "DELETE": "abort_multipart_upload" if "uploadId" in query else "delete_object",
    }[answer["method"]]
    return Access(operation, bucket, key, int(query["X-Amz-Expires"]), headers, query)


def allowed(access: Access, rules: list[dict[str, Any]], caller: str, claims: Mapping[str, str]) -> bool:
    """Whether one of `rules` allows this access to this caller, and for a copy another allows to read its source."""
    if source := access.headers.get("x-amz-copy-source", ""):
        bucket, _, key = unquote(source.partition("?")[0]).partition("/")
        read = Access("get_object", bucket, key, access.seconds, {}, {})
        if not any(_allows(rule, read, caller, claims) for rule in rules):
            return False
    return any(_allows(rule, access, caller, claims) for rule in rules)


def _allows(rule: dict[str, Any], access: Access, caller: str, claims: Mapping[str, str]) -> bool:
    operations = set().union(*(GROUPS.get(name, {name}) for name in rule["operations"]))
    bucket, prefix = (_filled(rule[name], claims) for name in ("bucket", "prefix"))
    return (
        access.operation in operations
        and caller in rule.get("callers", ["gateway", "invoke"])
        and bucket == access.bucket
        and prefix is not None
        and access.key.startswith(prefix)
        and all(_has(claims.get(name), values) for name, values in rule.get("when", {}).items())
        and access.seconds <= (rule.get("max_expires_in") or 604_800)
        and (access.operation != "copy_object" or not {*rule} & {"max_content_length", "content_types", "create_only"})
        and _keeps_the_type(rule.get("response_overrides", "download"), access)
        and _keeps_to_length(rule.get("max_content_length"), access)
        and _keeps_to_types(rule.get("content_types"), access)
        and (not rule.get("create_only") or _only_creates(access))
    )


def _filled(template: str, claims: Mapping[str, str]) -> str | None:
    for name, value in claims.items():
        if f"{{{name}}}" in template:
            if "/" in value or value in ("", ".", "..") or not value.isprintable():
                return None
            template = template.replace(f"{{{name}}}", value)
    return None if "{" in template else template


def _has(claim: str | None, values: list[str]) -> bool:
    if claim is None:
        return False
    held = {claim, *claim.split(" ")}
    try:
        listed = json.loads(claim)
        held |= {one for one in listed if isinstance(one, str)} if isinstance(listed, list) else set()
    except ValueError:
        pass
    return not held.isdisjoint(values)


def _keeps_to_length(most: int | None, access: Access) -> bool:
    if most is None:
        return True
    if access.operation == "post_object":
        return access.size_range is not None and access.size_range[1] <= most
    if access.operation not in ("put_object", "upload_part"):
        return True
    if "content-length" not in access.headers:
        return False
    length = int(access.headers["content-length"])
    if access.operation == "put_object":
        return length <= most
    part = max(5 * MIB, ceil(most / 10_000))
    return length <= part and (int(access.query["partNumber"]) - 1) * part + length <= most


def _keeps_to_types(patterns: list[str] | None, access: Access) -> bool:
    if patterns is None or access.operation not in ("put_object", "post_object", "create_multipart_upload"):
        return True
    media_type = access.headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type.endswith("/*"):
        return "*/*" in patterns
    if media_type.endswith(("+xml", "/xml")):
        return not {media_type, "*/*"}.isdisjoint(patterns)
    return any(fnmatchcase(media_type, pattern) for pattern in patterns)


def _keeps_the_type(overrides: str, access: Access) -> bool:
    chosen = {name: value for name, value in access.query.items() if name.startswith("response-")}
    if overrides == "any":
        return True
    if overrides == "none":
        return not chosen
    disposition = chosen.get("response-content-disposition", "attachment").split(";")[0].strip().lower()
    return disposition == "attachment" and not {"response-content-type", "response-content-encoding"} & {*chosen}


def _only_creates(access: Access) -> bool:
    if access.operation in ("put_object", "complete_multipart_upload"):
        return access.headers.get("if-none-match") == "*"
    return access.operation != "post_object"
