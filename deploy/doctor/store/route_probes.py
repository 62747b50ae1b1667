"""Probes of the store route: each tries what web pages do by it, with URLs that are signed for the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from xml.sax.saxutils import escape

from deploy.doctor.finding import Finding
from deploy.doctor.store.affected_rules import rules_text
from deploy.doctor.store.signed_bucket import SignedBucket, status_and_code, succeeded
from deploy.doctor.store.trials import Trials
from deploy.doctor.web import Answer
from presign.authorize.rules import Rule
from presign.model.operations.objects import DeleteObject, GetObject, HeadObject, PutObject
from presign.model.operations.prefixes import ListMultipartUploads, ListObjectsV2
from presign.model.part_sizes import STORE_ROUTE_BYTES

AWKWARD_ENDS = (" b", "+b", "%b", "%2Fb", "?b", "#b", "//b", "ü", "😀", "/")
"""Ends of keys that a gateway could change on the way."""


def way_out(rules: Sequence[Rule]) -> str:
    """The way out where the store route does not work, and which rules then serve web pages."""
    pars = [number for number, rule in enumerate(rules) if rule.via == "par" and "gateway" in rule.callers]
    others = [number for number, rule in enumerate(rules) if rule.via == "s3" and "gateway" in rule.callers]
    text = "set store_route = false in presign.tfvars, or take STORE_ROUTE away"
    if pars:
        return f"{text}; web pages are then served by {rules_text(pars)} of POLICY"
    return f'{text}; web pages then need rules with "via": "par", in place of {rules_text(others or [0])} of POLICY'


def awkward_keys(trials: Trials, rules: Sequence[Rule]) -> Finding:
    """Whether objects go up, come back, are listed and are deleted by the route, whatever their keys are.

    Raises:
        NoAnswer: of the gateway, as for all of these functions.
    """
    failures = [failure for end in AWKWARD_ENDS for failure in _round_trip(trials, f"{trials.key()}{end}", end)]
    if failures:
        text = f"The gateway changes URLs on the way: {len(failures)} requests for awkward keys fail."
        return Finding("wrong", text, way_out(rules), tuple(failures))
    return Finding(
        "ok", f"Keys go up, come back, are listed and deleted, with {len(AWKWARD_ENDS)} kinds of characters."
    )


def _round_trip(trials: Trials, key: str, end: str) -> Iterator[str]:
    """Texts about what fails with a key."""
    content = key.encode()
    bucket = trials.bucket
    put = trials.write(PutObject(key=key, content_length=len(content), cors=True), content)
    if not succeeded(put):
        yield f"{end!r}: the upload gets {status_and_code(put)}"
        return
    got = bucket.send(GetObject(key=key, cors=True, response_cache_control="no-store, max-age=0"))
    if got.body != content:
        yield f"{end!r}: the download gets {status_and_code(got)}"
    listed = bucket.send(ListObjectsV2(prefix=key, cors=True))
    if f"<Key>{escape(key)}</Key>" not in listed.body.decode(errors="replace"):
        yield f"{end!r}: it is not in the list, which gets {status_and_code(listed)}"
    deleted = bucket.send(DeleteObject(key=key, cors=True))
    if not succeeded(deleted):
        yield f"{end!r}: the deletion gets {status_and_code(deleted)}"
    # The operator's credentials remove an object that is there, with its older versions.
    trials.write(PutObject(key=key), b"")


def answers(trials: Trials, rules: Sequence[Rule]) -> Finding:
    """Whether the gateway keeps requests and answers as they are: ranges, conditions, digests, lengths, and sizes."""
    key, content = trials.key(), b"0123456789"
    put = trials.write(PutObject(key=key, content_length=len(content), cors=True), content)
    if not succeeded(put):
        return Finding("unknown", f"A plain upload by the route gets {status_and_code(put)}: nothing can be tried.")
    bucket = trials.bucket
    etag = bucket.send(GetObject(key=key)).headers.get("etag", "")
    large = PutObject(key=trials.key(), content_length=STORE_ROUTE_BYTES, cors=True)
    tried: dict[str, Callable[[], tuple[Answer, bool]]] = {
        "HEAD": lambda: _told(
            bucket, HeadObject(key=key, cors=True), lambda answer: answer.headers["content-length"] == "10"
        ),
        "a range": lambda: _told(
            bucket, GetObject(key=key, cors=True), lambda answer: answer.body == b"23", Range="bytes=2-3"
        ),
        "If-None-Match": lambda: _told(
            bucket, GetObject(key=key, cors=True), lambda answer: answer.status == 304, If_None_Match=etag
        ),
        "the ETag under Accept-Encoding: gzip": lambda: _told(
            bucket,
            GetObject(key=key, cors=True),
            lambda answer: answer.headers.get("etag") == etag,
            Accept_Encoding="gzip",
        ),
        "the list of uploads": lambda: _told(bucket, ListMultipartUploads(cors=True), succeeded),
        "an upload of another length, which must be refused": lambda: _refused_length(trials),
        "an upload of 20 MiB": lambda: _checked(trials.write(large, bytes(STORE_ROUTE_BYTES)), succeeded),
    }
    found = {name: look() for name, look in tried.items()}
    failures = tuple(
        f"{name}: it gets {status_and_code(answer)}" for name, (answer, is_right) in found.items() if not is_right
    )
    if failures:
        return Finding("wrong", "The gateway changes requests or answers on the way.", way_out(rules), failures)
    return Finding("ok", "Ranges, conditions, ETags, signed lengths, and uploads of 20 MiB pass.")


def _told(
    bucket: SignedBucket,
    operation: GetObject | HeadObject | ListMultipartUploads,
    is_right: Callable[[Answer], bool],
    **headers: str,
) -> tuple[Answer, bool]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return _checked(bucket.send(operation, headers=sent), is_right)


def _refused_length(trials: Trials) -> tuple[Answer, bool]:
    """An upload that is signed for 1 byte and has 2."""
    upload = PutObject(key=trials.key(), content_length=1, cors=True)
    answer = trials.write(upload, b"ab", {"Content-Length": "2"})
    return answer, 400 <= answer.status < 500


def _checked(answer: Answer, is_right: Callable[[Answer], bool]) -> tuple[Answer, bool]:
    return answer, is_right(answer)
