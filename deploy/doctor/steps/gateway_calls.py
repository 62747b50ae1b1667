"""Calls through the API gateway, without and with a token."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator

import msgspec

from deploy.doctor.finding import Finding, Skipped
from deploy.doctor.gateway import tokens
from deploy.doctor.gateway.specification import Specification
from deploy.doctor.step import Step
from deploy.doctor.steps.gateway import SPECIFICATION_FILE, call_statement, given_token, update_command
from deploy.doctor.store.signed_bucket import status_and_code
from deploy.doctor.tenancy import Tenancy
from deploy.doctor.web import Answer, NoAnswer, ask
from gateway.openapi import VERSION
from presign.authorize.decision import Policy
from presign.authorize.templates import Template
from presign.model.invocation import Principal
from presign.model.operation import ObjectOperation
from presign.model.operations.objects import GetObject, HeadObject
from presign.model.outcomes import PresignedUrl
from presign.model.request import Request
from presign.problems import Problem
from presign.read.routes import DOCUMENT, PRESIGN, Route

_code = re.compile(r"[A-Za-z0-9_]{1,64}")
_version = re.compile(r"\d[\w.+-]{0,63}")


def call_without_token(tenancy: Tenancy) -> Finding:
    """Whether the gateway refuses a call without a token."""
    answer = _call(tenancy, PRESIGN, {}, token=None)
    if answer.status == 401:
        return Finding("ok", "It gets 401.")
    if answer.status < 300 or _is_of_function(answer):
        told = _status_and_problem(answer)
        text = f"It reaches the function, which answers {told}: the gateway asks nobody for a token."
        return Finding("wrong", text, update_command(tenancy), (SPECIFICATION_FILE,))
    return _failure(tenancy, answer)


def call_with_token(tenancy: Tenancy) -> Finding:
    """Whether a user gets a URL through the gateway that works."""
    given = given_token(tenancy)
    try:
        claims = _claims(tokens.Token.decode(given), tenancy.gateway.specification)
    except ValueError:
        raise Skipped("The token is no JWT.") from None
    request = next(_requests(tenancy, claims), None)
    if request is None:
        raise Skipped("No rule lets the user of the token read by a presigned URL, and trying another would write.")
    operation, bucket = request.operation, request.bucket
    asked = {"operation": operation.name, "bucket": bucket, "key": operation.target, "via": "s3"}
    answer = _call(tenancy, PRESIGN, asked, token=given)
    if answer.status != 200:
        return _failure(tenancy, answer)
    try:
        url = msgspec.json.decode(answer.body, type=PresignedUrl)
    except msgspec.MsgspecError:
        return Finding("unknown", "It gets 200, but no URL.")
    found = ask(url.method, url.url, headers=url.headers)
    if found.status in (200, 404) and status_and_code(found) != "404 NoSuchBucket":
        return Finding("ok", f"A user gets a URL for {bucket}, and the store accepts it.")
    text = f"A user gets a URL for {bucket}, but the store refuses it: {status_and_code(found)}."
    return Finding("wrong", text, "see the steps of the customer secret key")


def version(tenancy: Tenancy) -> Finding:
    """Tells the version of the function that answers."""
    answer = _call(tenancy, DOCUMENT, token=given_token(tenancy))
    try:
        found = json.loads(answer.body)["info"]["version"]
    except (ValueError, KeyError, TypeError):
        found = None
    if answer.status != 200 or not isinstance(found, str) or not _version.fullmatch(found):
        return Finding("unknown", f"{DOCUMENT.path} does not tell it: it gets {_status_and_problem(answer)}.")
    return Finding("ok", f"It is {found}; this clone is {VERSION}.")


def _failure(tenancy: Tenancy, answer: Answer) -> Finding:
    """The finding for an answer that is not the right one."""
    code = _code_of(answer)
    causes = {
        401: ("The gateway refuses the token", "the step about the token, or the execution log of the deployment"),
        403: (
            "The function refuses it: no claim carries the gateway secret, or no rule matches",
            "the step about the gateway secret; python -m presign explain",
        ),
        404: (f"The deployment has no {PRESIGN.path}", update_command(tenancy)),
        502: ("The function can't be started, or has failed", "the steps of the network, and the function's log"),
        503: ("The function can't read the secret", "the steps about the secret"),
        504: ("The function took too long", "the steps of the network; the function's time-out, memory, and log"),
    }
    if answer.status == 500 and _is_of_function(answer):
        causes[500] = (f"The function fails ({code})", "the step about the function's settings, and its log")
    else:
        causes[500] = ("The gateway can't call the function, or can't fetch the JWKS", call_statement(tenancy))
    if answer.status not in causes:
        return Finding("unknown", f"It gets {_status_and_problem(answer)}.")
    text, mend = causes[answer.status]
    details = (SPECIFICATION_FILE,) if answer.status == 404 else ()
    return Finding("wrong", f"{text}: it gets {_status_and_problem(answer)}.", mend, details)


def _call(tenancy: Tenancy, route: Route, body: dict[str, str] | None = None, *, token: str | None) -> Answer:
    url = f"{tenancy.gateway.deployment.endpoint.rstrip('/')}{route.path}"
    headers = {} if body is None else {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    try:
        return ask(route.methods[0], url, headers=headers, body=None if body is None else json.dumps(body).encode())
    except NoAnswer as exc:
        if tenancy.gateway.resource.endpoint_type != "PRIVATE":
            raise
        raise NoAnswer(f"{exc} The gateway is private: run this inside of its network.") from None


def _requests(tenancy: Tenancy, claims: dict[str, str]) -> Iterator[Request]:
    """Requests to read an object that is not there which the policy grants to a user with these claims."""
    rules = tenancy.function.rules
    policy = Policy(rules, default_expires_in=tenancy.function.settings.default_expires_in)
    principal = Principal("gateway", claims)
    kinds: tuple[type[ObjectOperation], ...] = (GetObject, HeadObject)
    for rule in rules:
        bucket, prefix = (Template(text).fill_in(claims) for text in (rule.bucket, rule.prefix))
        if bucket is None or prefix is None:
            continue
        for kind in kinds:
            request = Request(kind(key=f"{prefix}presign-doctor-{secrets.token_hex(8)}", via="s3"), bucket)
            try:
                policy.authorize(request, principal)
            except Problem:
                continue
            yield request


def _claims(token: tokens.Token, deployed: Specification) -> dict[str, str]:
    """The claims of a token that the gateway passes on, by the names that rules have for them."""
    passed = {name.removeprefix("x-claim-"): token.claim_text(claim) for name, claim in deployed.passed_claims.items()}
    return {name: value for name, value in passed.items() if value}


def _status_and_problem(answer: Answer) -> str:
    """The status of an answer through the gateway, with the code of the function's problem if it is one."""
    code = _code_of(answer)
    return f"{answer.status} {code}" if isinstance(code, str) else str(answer.status)


def _is_of_function(answer: Answer) -> bool:
    """Whether the function has answered, whose problems have texts as codes; those of the gateway are numbers."""
    return isinstance(_code_of(answer), str)


def _code_of(answer: Answer) -> str | int | None:
    try:
        code = json.loads(answer.body)["code"]
    except (ValueError, KeyError, TypeError):
        return None
    return code if isinstance(code, int) or (isinstance(code, str) and _code.fullmatch(code)) else None


STEPS = (
    Step("gateway", "call without a token", call_without_token),
    Step("gateway", "call with a token", call_with_token),
    Step("gateway", "version of the function", version),
)
