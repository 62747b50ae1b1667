"""Steps on the API gateway: the deployment, its right to call the function, tokens, and calls through it."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from contextlib import suppress

import msgspec

from deploy import statements
from deploy.doctor import rights, tokens
from deploy.doctor.rights import finding_on_rights
from deploy.doctor.s3 import told
from deploy.doctor.specification import Specification
from deploy.doctor.step import Finding, Skipped, Step, not_active
from deploy.doctor.tenancy import Tenancy
from deploy.doctor.web import Answer, NoAnswer, ask
from presign.authorize.decision import Policy
from presign.authorize.templates import Template
from presign.model.invocation import Principal
from presign.model.operation import ObjectOperation
from presign.model.operations.objects import GetObject, HeadObject
from presign.model.outcomes import PresignedUrl
from presign.model.request import Request
from presign.problems import Problem
from presign.read.routes import PRESIGN

SPECIFICATION_FILE = "python -m gateway.fill makes deployment.json; a stack is brought up to date by make deploy."

_code = re.compile(r"[A-Za-z0-9_]{1,64}")


def state(tenancy: Tenancy) -> Finding:
    """Whether the deployment and its gateway are active."""
    for kind, found in (("deployment", tenancy.deployment), ("gateway", tenancy.gateway)):
        name, so = f"The {kind} {found.display_name}", "nobody can call the function by it"
        if finding := not_active(name, found.lifecycle_state, mend="make deploy", so=so):
            return finding
    return Finding("ok", f"{tenancy.deployment.display_name} is active: {tenancy.deployment.endpoint}.")


def specification(tenancy: Tenancy) -> Finding:
    """Whether the deployed specification is `gateway/deployment.json` as it is filled."""
    differences, besides = tenancy.specification.differences(function_ocid=tenancy.function_ocid)
    if not differences:
        return Finding("ok", "It is gateway/deployment.json.", None, tuple(besides))
    text = f"It differs from gateway/deployment.json in {len(differences)} place{'s' if len(differences) > 1 else ''}."
    return Finding("wrong", text, _update_command(tenancy), (*differences, *besides, SPECIFICATION_FILE))


def gateway_secret(tenancy: Tenancy) -> Finding:
    """Whether the gateway sends the gateway secret that the function expects."""
    expected = tenancy.settings.gateway_secrets
    if not expected:
        return Finding("ok", "CLAIMS_KEY is not set, as no rule of POLICY needs it.")
    if tenancy.specification.carries(expected):
        return Finding("ok", "The gateway sends a secret that is in CLAIMS_KEY.")
    return Finding(
        "wrong",
        "The gateway sends a secret that is not in CLAIMS_KEY, so the function refuses each call (403).",
        _update_command(tenancy),
        (SPECIFICATION_FILE, "Fill it with the CLAIMS_KEY of the function."),
    )


def may_call(tenancy: Tenancy) -> Finding:
    """Whether a statement lets the gateway call the function."""
    function, gateway = tenancy.function, tenancy.gateway
    return finding_on_rights(
        tenancy,
        permissions=["FN_INVOCATION"],
        compartment=function.compartment_id,
        variables={
            "request.resource.compartment.id": gateway.compartment_id,
            "target.function.id": function.id,
            "target.compartment.id": function.compartment_id,
        },
        statement=_statement(tenancy),
        principal=rights.gateway(tenancy),
        otherwise="each call with a token ends in 500",
    )


def jwks(tenancy: Tenancy) -> Finding:
    """Whether the gateway can fetch the keys that verify tokens."""
    uri = tenancy.specification.jwks_uri
    if uri is None:
        raise Skipped("The deployment does not verify tokens with keys from an address.")
    return tokens.jwks_finding(_answer_of_jwks(tenancy, uri), uri=uri)


def token(tenancy: Tenancy) -> Finding:
    """Whether the gateway would accept the token that is given."""
    given, deployed = _token(tenancy), tenancy.specification
    try:
        found = tokens.Token.decode(given)
    except ValueError as exc:
        return Finding("wrong", f"It is no JWT: it {exc}.", "give the access token of a user")
    keys = None
    if deployed.jwks_uri is not None:
        with suppress(NoAnswer, Skipped):  # as the step before has told
            keys = tokens.keys_in(_answer_of_jwks(tenancy, deployed.jwks_uri))
    return tokens.token_finding(found, deployed, keys, now=tenancy.now())


def _answer_of_jwks(tenancy: Tenancy, uri: str) -> Answer:
    return tenancy.once("the JWKS", lambda: ask("GET", uri))


def call_without_token(tenancy: Tenancy) -> Finding:
    """Whether the gateway refuses a call without a token."""
    answer = _call(tenancy, {}, token=None)
    if answer.status == 401:
        return Finding("ok", "It gets 401.")
    if answer.status < 300 or _is_of_function(answer):
        text = f"It reaches the function, which answers {_told(answer)}: the gateway asks nobody for a token."
        return Finding("wrong", text, _update_command(tenancy), (SPECIFICATION_FILE,))
    return _failure(tenancy, answer)


def call_with_token(tenancy: Tenancy) -> Finding:
    """Whether a user gets a URL through the gateway that works."""
    given = _token(tenancy)
    try:
        claims = _claims(tokens.Token.decode(given), tenancy.specification)
    except ValueError:
        raise Skipped("The token is no JWT.") from None
    request = next(_requests(tenancy, claims), None)
    if request is None:
        raise Skipped("No rule lets the user of the token read by a presigned URL, and trying another would write.")
    operation, bucket = request.operation, request.bucket
    asked = {"operation": operation.name(), "bucket": bucket, "key": operation.target, "via": "s3"}
    answer = _call(tenancy, asked, token=given)
    if answer.status != 200:
        return _failure(tenancy, answer)
    try:
        url = msgspec.json.decode(answer.body, type=PresignedUrl)
    except msgspec.MsgspecError:
        return Finding("unknown", "It gets 200, but no URL.")
    found = ask(url.method, url.url, headers=url.headers)
    if found.status in (200, 404) and told(found) != "404 NoSuchBucket":
        return Finding("ok", f"A user gets a URL for {bucket}, and the store accepts it.")
    text = f"A user gets a URL for {bucket}, but the store refuses it: {told(found)}."
    return Finding("wrong", text, "see the steps of the customer secret key")


def _failure(tenancy: Tenancy, answer: Answer) -> Finding:
    """The finding for an answer that is not the right one."""
    code = _code_of(answer)
    causes = {
        401: ("The gateway refuses the token", "the step about the token, or the execution log of the deployment"),
        403: (
            "The function refuses it: no claim carries the gateway secret, or no rule matches",
            "the step about the gateway secret; python -m presign explain",
        ),
        404: (f"The deployment has no {PRESIGN.path}", _update_command(tenancy)),
        502: ("The function can't be started, or has failed", "the step about the function's log"),
        503: ("The function can't read the secret", "the steps about the secret"),
        504: ("The function took too long", "the time-out and the memory of the function, and its log"),
    }
    if answer.status == 500 and _is_of_function(answer):
        causes[500] = (f"The function fails ({code})", "the step about the function's settings, and its log")
    else:
        causes[500] = ("The gateway can't call the function, or can't fetch the JWKS", _statement(tenancy))
    if answer.status not in causes:
        return Finding("unknown", f"It gets {_told(answer)}.")
    text, mend = causes[answer.status]
    details = (SPECIFICATION_FILE,) if answer.status == 404 else ()
    return Finding("wrong", f"{text}: it gets {_told(answer)}.", mend, details)


def _statement(tenancy: Tenancy) -> str:
    """The statement that lets the gateway call the function."""
    return statements.gateway_may_call_function(
        compartment=f"id {tenancy.function.compartment_id}", gateway_compartment_ocid=tenancy.gateway.compartment_id
    )


def _call(tenancy: Tenancy, body: dict[str, str], *, token: str | None) -> Answer:
    url = f"{tenancy.deployment.endpoint.rstrip('/')}{PRESIGN.path}"
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    try:
        return ask("POST", url, headers=headers, body=json.dumps(body).encode())
    except NoAnswer as exc:
        if tenancy.gateway.endpoint_type != "PRIVATE":
            raise
        raise NoAnswer(f"{exc} The gateway is private: run this inside of its network.") from None


def _requests(tenancy: Tenancy, claims: dict[str, str]) -> Iterator[Request]:
    """Requests to read an object that is not there which the policy grants to a user with these claims."""
    rules = tenancy.rules
    policy = Policy(rules, default_expires_in=tenancy.settings.default_expires_in)
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


def _token(tenancy: Tenancy) -> str:
    if tenancy.token is None:
        raise Skipped("No token is given: use --token-file FILE, or PRESIGN_TOKEN in the environment.")
    return tenancy.token


def _update_command(tenancy: Tenancy) -> str:
    command = f"oci api-gateway deployment update{tenancy.region_option} --deployment-id {tenancy.deployment.id}"
    return f"{command} --specification file://deployment.json --force"


def _told(answer: Answer) -> str:
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


GROUP = "gateway"

STEPS: tuple[Step, ...] = (
    Step(GROUP, "state", state, "read api-gateway-family in the function's compartment"),
    Step(GROUP, "specification", specification, "read api-deployments in the function's compartment"),
    Step(GROUP, "gateway secret", gateway_secret),
    Step(GROUP, "the gateway may call the function", may_call, "inspect policies in tenancy"),
    Step(GROUP, "keys that verify tokens", jwks),
    Step(GROUP, "token", token),
    Step(GROUP, "call without a token", call_without_token),
    Step(GROUP, "call with a token", call_with_token),
)
