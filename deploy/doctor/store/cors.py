"""Whether a browser may send uploads from a page of one origin (the CORS protocol of the Fetch standard)."""

from __future__ import annotations

from collections.abc import Iterable

from deploy.doctor.finding import Finding
from deploy.doctor.store.affected_rules import wrong_if_used
from deploy.doctor.web import Answer, ask
from presign.authorize.rules import Rule, upload_limits

HEADERS = ("content-type",)
"""Headers of an upload that need a preflight."""

_ALLOWED_HEADERS = "Access-Control-Allow-Headers with {}"


def missing_headers(answer: Answer, *, origin: str, method: str, headers: Iterable[str]) -> list[str]:
    """The parts of a preflight's answer without which a browser does not send the request, each as a text."""
    allowed_origin = answer.headers.get("access-control-allow-origin")
    if allowed_origin is None:
        return ["Access-Control-Allow-Origin"]
    missing = []
    if allowed_origin not in ("*", origin):
        missing.append(f"Access-Control-Allow-Origin for {origin}")
    if not 200 <= answer.status < 300:
        missing.append(f"a status of 200 to 299 (it is {answer.status})")
    if not {"*", method} & _listed(answer, "Access-Control-Allow-Methods"):
        missing.append(f"Access-Control-Allow-Methods with {method}")
    allowed = {name.lower() for name in _listed(answer, "Access-Control-Allow-Headers")}
    if names := [name for name in headers if not {"*", name} & allowed]:
        missing.append(_ALLOWED_HEADERS.format(", ".join(names)))
    return missing


def s3_finding(url: str, *, origin: str, rules: list[Rule]) -> Finding:
    """Whether the S3 API answers the preflight of an upload so that a browser sends it.

    Args:
        url: of an object, not signed.
        origin: of the page.
        rules: the policy; it needs CORS where callers through the gateway get uploads by no other way.

    Raises:
        NoAnswer: of the store.
    """
    affected = [
        number for number, rule in enumerate(rules) if _browser_uploads(rule, "s3") and not _has_par(rule, rules)
    ]
    headers = [*HEADERS, "if-none-match"] if any(rules[number].create_only for number in affected) else HEADERS
    _, missing = _preflight(url, origin, headers)
    if not missing:
        return Finding("ok", f"The S3 API lets pages of {origin} upload.")
    text = f"The S3 API does not let pages of {origin} upload: its answer to the preflight lacks {'; '.join(missing)}."
    mend = 'set "via": "par" in {rules}, or let pages send forms (post_object)'
    if limits := sorted({limit for number in affected for limit in upload_limits(rules[number])}):
        mend += f"; a PAR can't keep {', '.join(limits)}, so check uploads when they have arrived"
    return wrong_if_used(affected, text=text, mend=mend)


def par_finding(url: str, *, origin: str, rules: list[Rule]) -> Finding:
    """Whether a browser may upload by a pre-authenticated request (PAR); the arguments are those of `s3_finding`.

    Raises:
        NoAnswer: of the store.
    """
    status, missing = _preflight(url, origin, HEADERS)
    if not missing:
        return Finding("ok", f'Pages of {origin} may upload by PARs: use "via": "par" for uploads by browsers.')
    if status in (401, 404) and "Access-Control-Allow-Origin" not in missing:
        text = f"The answer to a preflight for a PAR that does not exist is {status}: only a real one would tell."
        return Finding("unknown", text)
    text = f"Pages of {origin} can't upload by PARs: the answer to the preflight lacks {'; '.join(missing)}."
    mend = 'set "via": "s3" in {rules}, and let pages send forms (post_object)'
    if missing == [_ALLOWED_HEADERS.format(", ".join(HEADERS))]:
        mend = "let pages send the content as an ArrayBuffer and without headers, which needs no preflight"
    return wrong_if_used(
        [number for number, rule in enumerate(rules) if _browser_uploads(rule, "par")], text=text, mend=mend
    )


def _preflight(url: str, origin: str, headers: Iterable[str]) -> tuple[int, list[str]]:
    """The status of the answer, and what it lacks."""
    sent = {
        "Origin": origin,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": ",".join(headers),
    }
    answer = ask("OPTIONS", url, headers=sent)
    return answer.status, missing_headers(answer, origin=origin, method="PUT", headers=headers)


def _browser_uploads(rule: Rule, via: str) -> bool:
    """Whether `rule` gives callers through the gateway uploads that need a preflight; a form needs none."""
    return rule.via == via and "gateway" in rule.callers and not rule.granted.isdisjoint({"put_object", "upload_part"})


def _has_par(rule: Rule, rules: list[Rule]) -> bool:
    """Whether callers get the uploads of `rule` by a PAR too."""
    place = (rule.bucket, rule.prefix)
    return any(_browser_uploads(other, "par") and (other.bucket, other.prefix) == place for other in rules)


def _listed(answer: Answer, name: str) -> set[str]:
    return {value.strip() for value in answer.headers.get(name.lower(), "").split(",")}
