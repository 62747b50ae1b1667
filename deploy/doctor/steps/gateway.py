"""The API gateway: the deployment, its right to call the function, and the tokens that it accepts."""

from __future__ import annotations

from contextlib import suppress

from deploy import statements
from deploy.doctor.finding import Finding, Skipped, inactive_finding
from deploy.doctor.gateway import tokens
from deploy.doctor.iam import principals
from deploy.doctor.iam.rights import finding_on_rights
from deploy.doctor.step import Step
from deploy.doctor.tenancy import Tenancy
from deploy.doctor.web import Answer, NoAnswer, ask

SPECIFICATION_FILE = "python -m gateway.fill makes deployment.json; a stack is brought up to date by make deploy."


def state(tenancy: Tenancy) -> Finding:
    """Whether the deployment and its gateway are active."""
    for kind, found in (("deployment", tenancy.gateway.deployment), ("gateway", tenancy.gateway.resource)):
        name, consequence = f"The {kind} {found.display_name}", "nobody can call the function by it"
        if finding := inactive_finding(name, found.lifecycle_state, mend="make deploy", consequence=consequence):
            return finding
    return Finding("ok", f"{tenancy.gateway.deployment.display_name} is active: {tenancy.gateway.deployment.endpoint}.")


def specification(tenancy: Tenancy) -> Finding:
    """Whether the deployed specification is `gateway/deployment.json` as it is filled."""
    differences, additions = tenancy.gateway.specification.differences(function_ocid=tenancy.target.function_ocid)
    if not differences:
        return Finding("ok", "It is gateway/deployment.json.", None, tuple(additions))
    text = f"It differs from gateway/deployment.json in {len(differences)} place{'s' if len(differences) > 1 else ''}."
    return Finding("wrong", text, update_command(tenancy), (*differences, *additions, SPECIFICATION_FILE))


def gateway_secret(tenancy: Tenancy) -> Finding:
    """Whether the gateway sends the gateway secret that the function expects."""
    expected = tenancy.function.settings.gateway_secrets
    if not expected:
        return Finding("ok", "CLAIMS_KEY is not set, as no rule of POLICY needs it.")
    if tenancy.gateway.specification.sends(expected):
        return Finding("ok", "The gateway sends a secret that is in CLAIMS_KEY.")
    return Finding(
        "wrong",
        "The gateway sends a secret that is not in CLAIMS_KEY, so the function refuses each call (403).",
        update_command(tenancy),
        (SPECIFICATION_FILE, "Fill it with the CLAIMS_KEY of the function."),
    )


def may_call(tenancy: Tenancy) -> Finding:
    """Whether a statement lets the gateway call the function."""
    function, gateway = tenancy.function.resource, tenancy.gateway.resource
    return finding_on_rights(
        tenancy,
        permissions=["FN_INVOCATION"],
        compartment=function.compartment_id,
        variables={
            "request.resource.compartment.id": gateway.compartment_id,
            "target.function.id": function.id,
            "target.compartment.id": function.compartment_id,
        },
        statement=call_statement(tenancy),
        principal=principals.gateway(tenancy),
        consequence="each call with a token ends in 500",
    )


def jwks(tenancy: Tenancy) -> Finding:
    """Whether the gateway can fetch the keys that verify tokens."""
    uri = tenancy.gateway.specification.jwks_uri
    if uri is None:
        raise Skipped("The deployment does not verify tokens with keys from an address.")
    return tokens.jwks_finding(answer_of_jwks(tenancy, uri), uri=uri)


def token(tenancy: Tenancy) -> Finding:
    """Whether the gateway would accept the token that is given."""
    given, deployed = given_token(tenancy), tenancy.gateway.specification
    try:
        found = tokens.Token.decode(given)
    except ValueError as exc:
        return Finding("wrong", f"It is no JWT: it {exc}.", "give the access token of a user")
    keys = None
    if deployed.jwks_uri is not None:
        with suppress(NoAnswer, Skipped):  # which the step `jwks` reports
            keys = tokens.keys_in(answer_of_jwks(tenancy, deployed.jwks_uri))
    return tokens.token_finding(found, deployed, keys, now=tenancy.now())


def answer_of_jwks(tenancy: Tenancy, uri: str) -> Answer:
    """The answer of the address of the keys that the deployment has."""
    return tenancy.once("the JWKS", lambda: ask("GET", uri))


def call_statement(tenancy: Tenancy) -> str:
    """The statement that lets the gateway call the function."""
    return statements.gateway_may_call_function(
        compartment=f"id {tenancy.function.resource.compartment_id}",
        gateway_compartment_ocid=tenancy.gateway.resource.compartment_id,
    )


def given_token(tenancy: Tenancy) -> str:
    """The token of a user that the operator has given."""
    if tenancy.token is None:
        raise Skipped("No token is given: use --token-file FILE, or PRESIGN_TOKEN in the environment.")
    return tenancy.token


def update_command(tenancy: Tenancy) -> str:
    """The command that gives the deployment its specification anew."""
    options = f"{tenancy.target.region_option} --deployment-id {tenancy.gateway.deployment.id}"
    return f"oci api-gateway deployment update{options} --specification file://deployment.json --force"


STEPS = (
    Step("gateway", "state", state, "read api-gateway-family in the function's compartment"),
    Step("gateway", "specification", specification, "read api-deployments in the function's compartment"),
    Step("gateway", "gateway secret", gateway_secret),
    Step("gateway", "the gateway may call the function", may_call, "inspect policies in tenancy"),
    Step("gateway", "keys that verify tokens", jwks),
    Step("gateway", "token", token),
)
