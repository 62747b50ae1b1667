"""Probes: each tries one behaviour of the store, and says which rules of the policy it affects."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from urllib.parse import quote

from deploy.doctor.finding import Finding, State
from deploy.doctor.store.affected_rules import rules_that_grant, wrong_if_used
from deploy.doctor.store.signed_bucket import SignedBucket, is_refused, status_and_code, succeeded
from deploy.doctor.store.trials import Trials
from deploy.doctor.web import Answer, NoAnswer
from presign.authorize.rules import Rule
from presign.model.object_names import virtual_hosted_bucket_error
from presign.model.operation import MAX_EXPIRES_IN
from presign.model.operations.form import PostObject
from presign.model.operations.multipart import UploadPart
from presign.model.operations.objects import GetObject, PutObject
from presign.model.operations.prefixes import ListObjectsV2

TRIED_EXPIRES_IN = (MAX_EXPIRES_IN, 86_400, 3_600)
"""Seconds, the longest first."""


def create_only(trials: Trials, rules: Sequence[Rule]) -> Finding:
    """Whether `If-None-Match: *` keeps an upload from replacing an object.

    Raises:
        NoAnswer: of the store, as for all of these functions.
    """
    affected = [number for number, rule in enumerate(rules) if rule.create_only]
    mend = "take create_only out of {rules}, and switch on the versioning of the bucket"
    key = trials.key()
    first, second = (trials.write(PutObject(key=key, if_none_match="*"), content) for content in (b"first", b"second"))
    if not succeeded(first):
        text = f"The store refuses uploads with If-None-Match: * ({status_and_code(first)})."
        return _why_refused(trials, first) or wrong_if_used(affected, text=text, mend=mend)
    if second.status in (409, 412):
        return Finding("ok", "The store obeys If-None-Match: *, so create_only holds.")
    if not succeeded(second):
        return _puzzling(second)
    text = "The store ignores If-None-Match: *, so create_only does not keep objects from being replaced."
    return wrong_if_used(affected, text=text, mend=mend)


def unsigned_copies(trials: Trials, rules: Sequence[Rule]) -> Finding:
    """Whether the store refuses to turn a presigned upload, whole or of a part, into a copy."""
    source, target = trials.key(), trials.key()
    content = secrets.token_hex(8).encode()
    first = trials.write(PutObject(key=source), content)
    if not succeeded(first):
        return _no_write(trials, first)
    read = trials.bucket.send(GetObject(key=source))
    if not succeeded(read) or read.body != content:
        refusal = status_and_code(read)
        text = f"The signing user may not read objects there ({refusal}), so that a refused copy would prove nothing."
        return Finding("unknown", text, "name a prefix with --write where it may read and write")
    headers = {"x-amz-copy-source": f"/{trials.bucket.name}/{quote(source)}"}
    copy = trials.write(PutObject(key=target), b"", headers)
    answers = {"put_object": copy}
    taken = ["put_object"] if succeeded(copy) and trials.bucket.send(GetObject(key=target)).body == content else []
    if upload_id := trials.begin_upload(target):
        part = trials.bucket.send(UploadPart(key=target, upload_id=upload_id, part_number=1), b"", headers)
        answers["upload_part"] = part
        if succeeded(part) and b"CopyPartResult" in part.body:
            taken.append("upload_part")
    if taken:
        text = (
            f"The store takes an x-amz-copy-source that nobody has signed ({', '.join(taken)}). "
            "Anyone who can upload can also read every object that the signing user can read."
        )
        mend = f'take {" and ".join(taken)} out of {{rules}}, or set "via": "par" there'
        return wrong_if_used(rules_that_grant(rules, *taken), text=text, mend=mend)
    if strange := [answer for answer in answers.values() if not succeeded(answer) and not is_refused(answer)]:
        return _puzzling(strange[0])
    tried = "; ".join(f"{name}: {status_and_code(answer)}" for name, answer in answers.items())
    return Finding("ok", f"The store makes no copy for an x-amz-copy-source that nobody has signed ({tried}).")


def forms(trials: Trials, rules: Sequence[Rule]) -> Finding:
    """Whether the store takes forms, and refuses one that does not meet its conditions."""
    affected, mend = rules_that_grant(rules, "post_object"), "take post_object out of {rules}"
    fitting = trials.write(PostObject(key=trials.key(), max_content_length=5), b"trial")
    if not succeeded(fitting):
        text = f"The store takes no forms ({status_and_code(fitting)})."
        return _why_refused(trials, fitting) or wrong_if_used(affected, text=text, mend=mend)
    too_long = trials.write(PostObject(key=trials.key(), max_content_length=4), b"trial")
    if succeeded(too_long):
        text = "The store takes a form that does not meet its conditions: the file has more bytes than they allow."
        return wrong_if_used(affected, text=text, mend=mend)
    return Finding("ok", "The store takes forms (post_object), and refuses one with too large a file.")


def virtual_hosted(buckets: Sequence[SignedBucket], *, in_use: bool) -> Finding:
    """Whether the name of a bucket can be part of the host name.

    Args:
        buckets: each at an endpoint of virtual-hosted style.
        in_use: whether STORAGE_ENDPOINT has this style.
    """
    works, fails = [], []
    for bucket in buckets:
        refusal = virtual_hosted_bucket_error(bucket.name)
        if not refusal:
            try:
                refusal = _refusal(bucket)
            except NoAnswer as exc:
                refusal = str(exc).rstrip(".")
            else:
                if refusal not in ("", "404 NoSuchBucket"):
                    return _untried(f"A plain download from {bucket.name}", refusal)
        if refusal:
            fails.append(f"{bucket.name} ({refusal})")
        else:
            works.append(bucket.name)
    if not fails:
        return Finding("ok", f"Virtual-hosted style works for {', '.join(works)}.")
    text = f"Virtual-hosted style does not work for {', '.join(fails)}."
    if not in_use:
        return Finding("ok", f"{text} STORAGE_ENDPOINT does not need it.")
    mend = "make the bucket with the scope REGION or by the S3 API, or leave {bucket} out of STORAGE_ENDPOINT"
    return Finding("wrong", text, mend)


def listing(bucket: SignedBucket, rules: Sequence[Rule]) -> Finding:
    """Whether the store knows ListObjectsV2, the second version of the listing."""
    affected, mend = rules_that_grant(rules, "list_objects_v2"), "take list_objects_v2 out of {rules}"
    answer = bucket.send(ListObjectsV2(prefix=f"presign-doctor-{secrets.token_hex(8)}", max_keys=1))
    if answer.status in (400, 501):
        return wrong_if_used(affected, text=f"The store refuses list-type=2 ({status_and_code(answer)}).", mend=mend)
    if not succeeded(answer):
        return _untried(f"A plain list of {bucket.name}", status_and_code(answer))
    if b"<KeyCount>" in answer.body:
        return Finding("ok", "The store knows list-type=2, so list_objects_v2 works.")
    text = "The store ignores list-type=2: it answers without KeyCount, so that a list has no second page."
    return wrong_if_used(affected, text=text, mend=mend)


def longest_expiry(bucket: SignedBucket, *, max_expires_in: int) -> Finding:
    """Whether the store takes URLs of the longest validity that the function may give.

    Args:
        bucket: any.
        max_expires_in: seconds, the setting MAX_EXPIRES_IN.
    """
    refusals = []
    for expires_in in TRIED_EXPIRES_IN:
        refusal = _refusal(bucket, expires_in=expires_in)
        if not refusal:
            break
        refusals.append(refusal)
    else:
        return _untried(f"A plain download from {bucket.name}", refusals[-1])
    if not refusals:
        return Finding("ok", "The store takes URLs that are valid for seven days.")
    text = f"The store takes URLs that are valid for {expires_in} seconds, not for seven days ({refusals[0]})."
    if max_expires_in <= expires_in:
        return Finding("ok", f"{text} MAX_EXPIRES_IN is {max_expires_in}.")
    return Finding("wrong", text, f"set MAX_EXPIRES_IN to {expires_in} (docs/operations.md#change-a-setting)")


def with_trials(trials: Trials, probe: Callable[[Trials, Sequence[Rule]], Finding], rules: Sequence[Rule]) -> Finding:
    """The finding of a probe that writes, with the objects that could not be deleted afterwards."""
    with trials:
        finding = probe(trials, rules)
    if not trials.left:
        return finding
    left = (f"Not deleted: {trials.bucket.name}/{key}" for key in trials.left)
    return Finding(finding.state, finding.text, finding.mend, (*finding.details, *left))


def _refusal(bucket: SignedBucket, *, expires_in: int | None = None) -> str:
    """The refusal of a signed request for an object that is not there; empty if the store accepts the signature."""
    answer = bucket.send(GetObject(key=f"presign-doctor-{secrets.token_hex(8)}", expires_in=expires_in))
    return "" if status_and_code(answer) == "404 NoSuchKey" else status_and_code(answer)


def _why_refused(trials: Trials, refused: Answer) -> Finding | None:
    """The finding if a plain upload is refused too, so that `refused` tells nothing; None if it does tell."""
    plain = trials.write(PutObject(key=trials.key()), b"trial")
    if not succeeded(plain):
        return _no_write(trials, plain)
    return None if is_refused(refused) else _puzzling(refused)


def _no_write(trials: Trials, answer: Answer) -> Finding:
    return _untried(f"A plain upload to the prefix of --write in {trials.bucket.name}", status_and_code(answer))


def _untried(request: str, refusal: str) -> Finding:
    """The finding if a plain request is refused, so that nothing can be tried.

    The steps of the key find the cause, unless it is a right that only this request needs.
    """
    state: State = "unknown" if refusal.endswith("AccessDenied") else "skipped"
    return Finding(state, f"{request} gets {refusal}: nothing can be tried.")


def _puzzling(answer: Answer) -> Finding:
    return Finding("unknown", f"The store answers {status_and_code(answer)}.")
