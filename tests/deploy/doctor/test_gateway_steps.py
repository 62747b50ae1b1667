"""The steps of the gateway: with the whole system behind them, and one test for each way to be wrong."""

from __future__ import annotations

import copy
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from werkzeug.wrappers import Request, Response

from deploy import statements
from deploy.doctor.diagnosis import findings_of
from deploy.doctor.finding import Finding
from deploy.doctor.steps import STEPS
from deploy.doctor.steps.gateway import SPECIFICATION_FILE
from local.api import not_found
from local.api_gateway.deployment import filled
from local.identity.identity_provider import AUDIENCE, ISSUER, IdentityProvider
from local.server import Server
from local.stack import BUCKET
from support.leaks import leaks, secrets_of
from support.oci_answers import COMPARTMENT, DEPLOYMENT, FUNCTION, GATEWAY, REGION
from support.oci_services import World
from support.systems import Running

DEPLOYED = f"GET /20190501/deployments/{DEPLOYMENT}"
POLICIES = "GET /20160918/policies"
SECRET = "0123456789abcdef0123456789abcdef"
STATEMENT = statements.gateway_may_call_function(compartment=f"id {COMPARTMENT}", gateway_compartment_ocid=COMPARTMENT)


class Gateway:
    """A tenancy whose deployment can be called.

    Attributes:
        provider: of the tokens that the deployment accepts.
        specification: the deployed one.
    """

    def __init__(self, world: World, *, provider: IdentityProvider, jwks_url: str, url: str, secret: str) -> None:
        self.world = world
        self.provider = provider
        self.deployment: dict[str, Any] = world.services.answers[DEPLOYED]
        self.specification: dict[str, Any] = filled(
            {
                "FUNCTION_OCID": [FUNCTION],
                "ISSUER": [ISSUER],
                "AUDIENCE": [AUDIENCE],
                "JWKS_URI": [jwks_url],
                "ALLOWED_ORIGINS": ["*"],
                "CLAIMS_KEY": [secret],
            }
        )
        self.deployment |= {"endpoint": url, "specification": self.specification}
        world.services.config["CLAIMS_KEY"] = secret
        world.services.config.pop("DELIVER_TO")
        self.policy({"operations": ["*"]})

    def policy(self, *rules: dict[str, Any]) -> None:
        """Set the policy that `doctor` sees."""
        whole = [{"bucket": BUCKET, "prefix": "", **rule} for rule in rules]
        self.world.services.config["POLICY"] = json.dumps({"rules": whole})

    def token(self, **claims: Any) -> str:
        """A token that is accepted; its `sub` is `alice`."""
        return self.provider.token({"sub": "alice", **claims})

    def findings(self, token: str | None = None, *, only: str | None = None) -> dict[str, Finding]:
        """The findings of the steps by their names, or of the one with the name `only`."""
        environment = {} if token is None else {"PRESIGN_TOKEN": token}
        steps = [step for step in STEPS if step.group == "gateway" and only in (None, step.name)]
        return {step.name: finding for step, finding in findings_of(steps, self.world.tenancy(environment=environment))}

    def finding(self, name: str, token: str | None = None) -> Finding:
        """The finding of one step."""
        return self.findings(token, only=name)[name]

    def only_wrong(self, token: str | None = None) -> tuple[str, Finding]:
        """The one step that finds something wrong, and its finding."""
        ((name, finding),) = [(name, one) for name, one in self.findings(token).items() if one.state == "wrong"]
        return name, finding

    def answer(self, status: int, document: Any) -> Callable[[Request], Response]:
        """A gateway that answers calls with a token so, and others with 401."""

        def app(request: Request) -> Response:
            if "Authorization" not in request.headers:
                return Response('{"code": 401, "message": "Unauthorized"}', 401)
            return Response(json.dumps(document), status)

        return app

    @contextmanager
    def behind(self, app: Callable[[Request], Response]) -> Iterator[None]:
        """Let this application answer in place of the gateway."""
        with Server(app) as server:
            self.deployment["endpoint"] = server.url
            yield


@pytest.fixture
def system(world: World, running: Running) -> Gateway:
    """The local stack as what is deployed."""
    stack = running.stack
    return Gateway(
        world,
        provider=stack.identity_provider,
        jwks_url=stack.jwks_url,
        url=stack.url,
        secret=stack.claims_key,
    )


@pytest.fixture(scope="module")
def provider() -> IdentityProvider:
    return IdentityProvider()


@pytest.fixture
def gateway(world: World, provider: IdentityProvider) -> Iterator[Gateway]:
    """A gateway that refuses all calls."""
    with Server(provider) as jwks, Server(lambda _: Response('{"code": 401}', 401)) as refusing:
        yield Gateway(world, provider=provider, jwks_url=f"{jwks.url}/jwks", url=refusing.url, secret=SECRET)


def test_all_is_right(system: Gateway, running: Running) -> None:
    token = system.token()
    found = system.findings(token)
    assert {name: finding for name, finding in found.items() if finding.state != "ok"} == {}
    assert found["call with a token"].text == f"A user gets a URL for {BUCKET}, and the store accepts it."
    shown = str(list(found.values()))
    assert leaks(shown, secrets_of(running.stack)) == []
    assert token not in shown


def test_without_a_token(system: Gateway) -> None:
    found = system.findings()
    skipped = {name for name, finding in found.items() if finding.state == "skipped"}
    assert skipped == {"token", "call with a token", "version of the function"}
    assert found["call without a token"] == Finding("ok", "It gets 401.")


def test_the_version_that_answers(system: Gateway) -> None:
    found = system.finding("version of the function", system.token())
    assert found == Finding("ok", "It is 0.3.0; this clone is 0.3.0.")


@pytest.mark.parametrize(
    ("status", "document", "told"),
    [
        (200, {"info": {"version": "0.2.0"}}, "ok: It is 0.2.0; this clone is 0.3.0."),
        (404, {"code": 404}, "unknown: /v1/openapi.json does not tell it: it gets 404."),
        (200, {"info": {"version": "<b>"}}, "unknown: /v1/openapi.json does not tell it: it gets 200."),
        (200, ["0.3.0"], "unknown: /v1/openapi.json does not tell it: it gets 200."),
    ],
)
def test_a_version_that_is_another_or_is_not_told(gateway: Gateway, status: int, document: Any, told: str) -> None:
    with gateway.behind(gateway.answer(status, document)):
        found = gateway.finding("version of the function", gateway.token())
    assert f"{found.state}: {found.text}" == told


def test_a_url_that_the_store_refuses(world: World, start: Callable[..., Running]) -> None:
    running = start()
    running.put_key(running.stack.credentials[0], "another-secret-access-key")
    stack = running.stack
    system = Gateway(
        world,
        provider=stack.identity_provider,
        jwks_url=stack.jwks_url,
        url=stack.url,
        secret=stack.claims_key,
    )
    name, finding = system.only_wrong(system.token())
    assert name == "call with a token"
    assert finding.text == f"A user gets a URL for {BUCKET}, but the store refuses it: 403 SignatureDoesNotMatch."


def test_the_read_that_the_policy_grants(system: Gateway) -> None:
    system.policy(
        {"operations": ["get_object"], "callers": ["invoke"]},
        {"operations": ["put_object"]},
        {"operations": ["get_object"], "when": {"groups": ["admin"]}},
        {"operations": ["get_object"], "via": "par"},
    )
    found = system.finding("call with a token", system.token(groups=["editor"]))
    assert found.state == "skipped"
    assert "No rule lets the user of the token read by a presigned URL" in found.text
    assert system.finding("call with a token", system.token(groups=["admin", "x"])).state == "ok"
    system.policy({"operations": ["head_object"], "prefix": "users/{sub}/"})
    assert system.finding("call with a token", system.token()).state == "ok"


@pytest.mark.parametrize(
    ("kind", "changes", "state", "text"),
    [
        ("deployments/" + DEPLOYMENT, {"lifecycleState": "FAILED"}, "wrong", "The deployment presign is FAILED"),
        ("deployments/" + DEPLOYMENT, {"lifecycleState": "UPDATING"}, "unknown", "is UPDATING: wait."),
        ("gateways/" + GATEWAY, {"lifecycleState": "DELETED"}, "wrong", "The gateway presign is DELETED"),
    ],
)
def test_a_gateway_that_is_not_active(
    gateway: Gateway, kind: str, changes: dict[str, str], state: str, text: str
) -> None:
    gateway.world.services.answers[f"GET /20190501/{kind}"] |= changes
    finding = gateway.finding("state")
    assert finding.state == state
    assert text in finding.text


class TestSpecification:
    """The deployed specification is compared with the project's."""

    def test_each_difference_is_told_by_its_path(self, gateway: Gateway) -> None:
        deployed = gateway.specification
        deployed["requestPolicies"]["rateLimiting"]["rateKey"] = "TOTAL"
        deployed["requestPolicies"]["cors"]["allowedMethods"] = ["POST"]
        del deployed["requestPolicies"]["authentication"]["validationPolicy"]["maxCacheDurationInHours"]
        headers = deployed["routes"][0]["requestPolicies"]["headerTransformations"]
        del headers["setHeaders"]["items"][1]
        headers["filterHeaders"]["items"].append({"name": "x-other"})
        deployed["routes"][1]["backend"]["functionId"] = "ocid1.fnfunc.oc1..another"
        del deployed["routes"][-1]
        name, finding = gateway.only_wrong()
        assert name == "specification"
        assert finding.text == "It differs from gateway/deployment.json in 6 places."
        assert finding.mend == (
            f"oci api-gateway deployment update --region {REGION} --deployment-id {DEPLOYMENT} "
            "--specification file://deployment.json --force"
        )
        at = "routes[/v1/presign].requestPolicies.headerTransformations"
        assert finding.details == (
            "requestPolicies.authentication.validationPolicy.maxCacheDurationInHours is missing",
            'requestPolicies.cors.allowedMethods is ["POST"], not ["GET", "POST"]',
            'requestPolicies.rateLimiting.rateKey is "TOTAL", not "CLIENT_IP"',
            f"{at}.setHeaders.items[x-claim-iss] is missing",
            f'routes[/v1/presign/batch].backend.functionId is "ocid1.fnfunc.oc1..another", not "{FUNCTION}"',
            "routes[/v1/openapi.json] is missing",
            f"{at}.filterHeaders.items[x-other] is not in gateway/deployment.json",
            SPECIFICATION_FILE,
        )

    def test_the_order_does_not_count(self, gateway: Gateway) -> None:
        gateway.specification["routes"].reverse()
        gateway.specification["requestPolicies"]["cors"]["allowedMethods"].reverse()
        assert gateway.finding("specification") == Finding("ok", "It is gateway/deployment.json.")

    def test_a_rate_and_headers_of_ones_own(self, gateway: Gateway) -> None:
        """The stack has inputs for both."""
        policies = gateway.specification["requestPolicies"]
        policies["rateLimiting"]["rateInRequestsPerSecond"] = 5
        policies["cors"]["allowedHeaders"] = ["traceparent", "Content-Type", "Authorization"]
        assert gateway.finding("specification") == Finding("ok", "It is gateway/deployment.json.")
        policies["cors"]["allowedHeaders"] = ["traceparent", "Authorization"]
        name, finding = gateway.only_wrong()
        assert name == "specification"
        assert finding.details[0] == (
            'requestPolicies.cors.allowedHeaders is ["traceparent", "Authorization"], '
            'not ["Authorization", "Content-Type", "traceparent"]'
        )

    def test_what_it_has_besides_is_told_and_not_wrong(self, gateway: Gateway) -> None:
        gateway.specification["requestPolicies"]["mutualTls"] = {"isVerifiedCertificateRequired": False}
        gateway.specification["routes"].append({**gateway.specification["routes"][3], "path": "/other"})
        finding = gateway.finding("specification")
        assert finding.state == "ok"
        assert finding.details == (
            "requestPolicies.mutualTls is not in gateway/deployment.json",
            "routes[/other] is not in gateway/deployment.json",
        )

    def test_two_routes_of_one_path(self, gateway: Gateway) -> None:
        second = copy.deepcopy(gateway.specification["routes"][0])
        second["methods"] = ["GET"]
        gateway.specification["routes"].insert(1, second)
        finding = gateway.finding("specification")
        assert finding.details == ("routes[/v1/presign (2)] is not in gateway/deployment.json",)

    @pytest.mark.parametrize("value", ["{secret}-{claim}", "{claim}", "another-secret-of-32-characters-0:{claim}:"])
    def test_a_wrong_gateway_secret_is_told_and_none_is_shown(self, gateway: Gateway, value: str) -> None:
        items = gateway.specification["routes"][0]["requestPolicies"]["headerTransformations"]["setHeaders"]["items"]
        items[0]["values"] = [value.format(secret=SECRET, claim="${request.auth[sub]}")]
        found = gateway.findings()
        assert found["gateway secret"].state == "wrong"
        assert "the function refuses each call (403)" in found["gateway secret"].text
        shown = str(list(found.values()))
        assert SECRET not in shown
        assert "another-secret" not in shown

    def test_either_of_two_gateway_secrets_is_right(self, gateway: Gateway) -> None:
        gateway.world.services.config["CLAIMS_KEY"] = f"another-secret-of-32-characters-0,{SECRET}"
        assert gateway.finding("gateway secret").state == "ok"
        gateway.world.services.config["CLAIMS_KEY"] = ""
        assert "is not set, as no rule" in gateway.finding("gateway secret").text


class TestMayCall:
    """A statement lets the gateway call the function."""

    @pytest.fixture
    def found(self, gateway: Gateway) -> Callable[..., Finding]:
        """Gives the finding for these statements, in a tenancy that has one dynamic group more."""
        groups = gateway.world.services.answers["GET /20160918/dynamicGroups"]

        def find(*listed: str, rule: str = "resource.type = 'other'") -> Finding:
            group = {**groups[0], "id": "ocid1.dynamicgroup.oc1..g", "name": "gateways", "matchingRule": rule}
            gateway.world.services.answers["GET /20160918/dynamicGroups"] = [groups[0], group]
            policy = {"id": "p", "compartmentId": COMPARTMENT, "name": "p", "description": "-"}
            answer = [{**policy, "statements": list(listed), "lifecycleState": "ACTIVE"}]
            gateway.world.services.answers[POLICIES] = lambda request: (
                answer if request.args["compartmentId"] == COMPARTMENT else []
            )
            return gateway.finding("the gateway may call the function")

        return find

    def test_the_statement_is_missing(self, gateway: Gateway) -> None:
        gateway.world.services.policies(without="ApiGateway")
        assert gateway.only_wrong() == (
            "the gateway may call the function",
            Finding(
                "wrong",
                "No statement gives the gateway FN_INVOCATION, so each call with a token ends in 500.",
                STATEMENT,
            ),
        )

    @pytest.mark.parametrize(
        "statement",
        [
            STATEMENT,
            STATEMENT.upper().replace(COMPARTMENT.upper(), COMPARTMENT),
            "Allow any-user to manage functions-family in tenancy where request.principal.type = 'ApiGateway'",
            f"allow any-user to use fn-invocation in compartment files where request.principal.id = '{GATEWAY}'",
            f"allow any-user to use fn-invocation in compartment files where target.function.id = '{FUNCTION}'",
        ],
    )
    def test_other_statements_that_do(self, found: Callable[..., Finding], statement: str) -> None:
        assert found(statement) == Finding("ok", "Statements give the gateway FN_INVOCATION.")

    @pytest.mark.parametrize(
        "statement",
        [
            STATEMENT.replace(f"'{COMPARTMENT}'", "'ocid1.compartment.oc1..another'"),
            STATEMENT.replace(f"id {COMPARTMENT}", "id ocid1.compartment.oc1..another"),
            STATEMENT.replace("to use", "to read"),
            STATEMENT.replace("functions-family", "fn-app"),
            STATEMENT.replace("any-user", "group gateways"),
            "allow dynamic-group gateways to use functions-family in tenancy",
        ],
    )
    def test_statements_that_do_not(self, found: Callable[..., Finding], statement: str) -> None:
        assert found(statement).state == "wrong"

    def test_a_dynamic_group_of_gateways(self, found: Callable[..., Finding]) -> None:
        statement = "allow dynamic-group gateways to use functions-family in compartment files"
        rule = f"ALL {{resource.type = 'ApiGateway', resource.compartment.id = '{COMPARTMENT}'}}"
        assert found(statement, rule=rule).state == "ok"
        assert found(statement, rule="tag.team.name = 'presign'").state == "unknown"

    def test_a_condition_that_is_not_understood(self, found: Callable[..., Finding]) -> None:
        finding = found("allow any-user to use functions-family in tenancy where request.networkSource.name = 'x'")
        assert finding.state == "unknown"
        assert finding.details == (f"this one would: {STATEMENT}",)

    def test_policies_that_may_not_be_read(self, gateway: Gateway) -> None:
        gateway.world.services.answers[POLICIES] = not_found()
        finding = gateway.finding("the gateway may call the function")
        assert finding.state == "unknown"
        assert "inspect policies in tenancy" in finding.text


def key_of(bits: int) -> dict[str, Any]:
    """An RSA key of a JWKS."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    return RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)


class TestKeys:
    """The gateway can fetch keys that it knows how to use."""

    @pytest.mark.parametrize(
        ("answer", "text", "mend"),
        [
            (Response("", 401), "answers 401, so the gateway can't fetch the keys", "'Configure client access'"),
            (Response("", 403), "answers 403, so the gateway can't fetch the keys", "'Configure client access'"),
            (Response("", 404), "answers 404 without keys.", "JWKS_URI"),
            (Response("<html>"), "answers 200 without keys.", "JWKS_URI"),
            (Response("[]"), "answers 200 without keys.", "JWKS_URI"),
            (Response('{"keys": []}'), "No key of", "RS256"),
            (Response('{"keys": [{"kty": "EC", "crv": "P-256"}]}'), "2048 to 4096 bits (EC)", "RS256"),
            (Response(json.dumps({"keys": [key_of(1024)]})), "2048 to 4096 bits (RSA 1024)", "RS256"),
            (Response(json.dumps({"keys": [key_of(2048) | {"alg": "PS256"}]})), "bits (RSA 2048 PS256)", "RS256"),
            (Response(json.dumps({"keys": [key_of(2048) | {"use": "enc"}]})), "bits (RSA 2048 enc)", "RS256"),
        ],
    )
    def test_keys_that_do_not_help(self, gateway: Gateway, answer: Response, text: str, mend: str) -> None:
        with Server(lambda _: Response(answer.get_data(), answer.status)) as server:
            self.policy(gateway)["uri"] = server.url
            name, finding = gateway.only_wrong()
        assert name == "keys that verify tokens"
        assert text in finding.text
        assert mend in str(finding.mend)

    def test_an_address_that_does_not_answer(self, gateway: Gateway) -> None:
        with Server(lambda _: Response()) as server:
            self.policy(gateway)["uri"] = server.url
        found = gateway.findings(gateway.token())
        assert found["keys that verify tokens"] == Finding(
            "unknown", f"127.0.0.1:{server.port} does not answer: ConnectionRefusedError."
        )
        assert found["token"].state == "ok"

    @pytest.mark.parametrize(("count", "state"), [(10, "ok"), (11, "wrong")])
    def test_no_more_keys_than_the_gateway_takes(self, gateway: Gateway, count: int, state: str) -> None:
        keys = [{**key_of(2048), "kid": "0"}] * count
        with Server(lambda _: Response(json.dumps({"keys": keys}))) as server:
            self.policy(gateway)["uri"] = server.url
            finding = gateway.finding("keys that verify tokens")
        assert finding.state == state
        assert state == "ok" or finding.text == f"{server.url} has 11 keys, and the gateway takes 10 at most."

    def test_keys_in_the_deployment_itself(self, gateway: Gateway) -> None:
        self.policy(gateway)["type"] = "STATIC_KEYS"
        assert gateway.finding("keys that verify tokens").state == "skipped"

    def policy(self, gateway: Gateway) -> dict[str, Any]:
        """How the deployment verifies tokens."""
        policy: dict[str, Any] = gateway.specification["requestPolicies"]["authentication"]["validationPolicy"]
        return policy


class TestToken:
    """The token that is given fits the deployment."""

    @pytest.mark.parametrize(
        ("claims", "text", "mend"),
        [
            ({"exp": 1_000_000_000}, "It expired at 2001-09-09T01:46:40Z.", "get a new token"),
            ({"exp": None}, "It never expires, and the gateway demands the claim exp.", "get a new token"),
            ({"nbf": 9_999_999_999}, "It is valid from 2286-11-20T17:46:39Z only.", "wait, or set the clock"),
            (
                {"iss": "https://other.example/"},
                f"Its issuer is https://other.example/; the deployment accepts {ISSUER}.",
                "deploy with ISSUER=https://other.example/, or use a token of the right issuer",
            ),
            (
                {"aud": ["a", "b"]},
                f"Its audience is a, b; the deployment accepts {AUDIENCE}.",
                "deploy with AUDIENCE=a, b, or ask the identity provider for the right one",
            ),
        ],
    )
    def test_a_claim_that_does_not_fit(self, gateway: Gateway, claims: dict[str, Any], text: str, mend: str) -> None:
        token = gateway.token(**claims)
        finding = gateway.finding("token", token)
        assert finding == Finding("wrong", text, mend)

    def test_a_missing_claim(self, gateway: Gateway) -> None:
        finding = gateway.finding("token", gateway.provider.token({}))
        assert finding.text == "It lacks the claim sub."

    @pytest.mark.parametrize("name", ["issuers", "audiences"])
    def test_a_deployment_that_accepts_all(self, gateway: Gateway, name: str) -> None:
        policy = gateway.specification["requestPolicies"]["authentication"]["validationPolicy"]
        del policy["additionalValidationPolicy"][name]
        claim = {"issuers": "iss", "audiences": "aud"}[name]
        assert gateway.finding("token", gateway.token(**{claim: "another"})).state == "ok"

    def test_several_errors(self, gateway: Gateway) -> None:
        finding = gateway.finding("token", gateway.token(iss="x", aud="y"))
        assert finding.text.startswith("Its issuer is x;")
        assert finding.details == (f"Its audience is y; the deployment accepts {AUDIENCE}.",)

    def test_a_key_that_is_not_known(self, gateway: Gateway) -> None:
        finding = gateway.finding("token", IdentityProvider().token({"sub": "alice"}))
        assert finding.text == "Its key is not in the JWKS of the deployment."

    def test_another_algorithm(self, gateway: Gateway) -> None:
        parts = gateway.token().split(".")
        header = urlsafe_b64encode(b'{"alg": "HS256"}').rstrip(b"=").decode()
        finding = gateway.finding("token", ".".join([header, *parts[1:]]))
        assert finding.text == "It is signed with HS256; the gateway verifies RS256, RS384, RS512."

    @pytest.mark.parametrize("token", ["opaque-token", "a.b.c", "e30.W10.x", "\u00e9.\u00e9.x", "e30.e30"])
    def test_no_token_at_all(self, gateway: Gateway, token: str) -> None:
        found = gateway.findings(token)
        assert found["token"].state == "wrong"
        assert found["token"].text.startswith("It is no JWT: ")
        assert found["call with a token"].state == "skipped"
        assert token not in str(found)


class TestCalls:
    """Calls through the gateway."""

    @pytest.mark.parametrize(
        ("status", "document", "text"),
        [
            (200, {"url": "https://x"}, "It reaches the function, which answers 200"),
            (403, {"code": "access_denied"}, "It reaches the function, which answers 403 access_denied"),
            (404, {"code": 404}, "The deployment has no /v1/presign: it gets 404."),
            (500, {"code": 500}, "The gateway can't call the function, or can't fetch the JWKS: it gets 500."),
            (502, {"code": 502}, "The function can't be started, or has failed: it gets 502."),
            (504, {"code": 504}, "The function took too long: it gets 504."),
        ],
    )
    def test_without_a_token(self, gateway: Gateway, status: int, document: Any, text: str) -> None:
        with gateway.behind(lambda _: Response(json.dumps(document), status)):
            name, finding = gateway.only_wrong()
        assert name == "call without a token"
        assert finding.text.startswith(text)

    @pytest.mark.parametrize(
        ("status", "document", "text", "mend"),
        [
            (401, {"code": 401}, "The gateway refuses the token: it gets 401.", "the execution log"),
            (403, {"code": "access_denied"}, "no claim carries the gateway secret", "the gateway secret"),
            (500, {"code": 500, "message": "Internal Server Error"}, "The gateway can't call the function", STATEMENT),
            (500, {"code": "not_configured"}, "The function fails (not_configured)", "the function's settings"),
            (503, {"code": "secret_unavailable"}, "The function can't read the secret", "the steps about the secret"),
            (502, {"code": 502}, "The function can't be started, or has failed: it gets 502.", "log"),
        ],
    )
    def test_with_a_token(self, gateway: Gateway, status: int, document: Any, text: str, mend: str) -> None:
        with gateway.behind(gateway.answer(status, document)):
            name, finding = gateway.only_wrong(gateway.token())
        assert name == "call with a token"
        assert text in finding.text
        assert mend in str(finding.mend)

    @pytest.mark.parametrize(
        ("status", "document", "text"),
        [
            (429, {"code": 429}, "It gets 429."),
            (200, {"other": "API"}, "It gets 200, but no URL."),
            (200, [], "It gets 200, but no URL."),
        ],
    )
    def test_an_answer_that_tells_nothing(self, gateway: Gateway, status: int, document: Any, text: str) -> None:
        with gateway.behind(gateway.answer(status, document)):
            found = gateway.finding("call with a token", gateway.token())
        assert found == Finding("unknown", text)

    def test_a_url_that_is_none_of_the_web(self, gateway: Gateway, tmp_path: Path) -> None:
        given = {"url": f"file://{tmp_path}", "method": "GET", "headers": {}, "expires_at": "", "expires_in": 1}
        given |= {"operation": "get_object", "bucket": "b", "via": "s3"}
        with gateway.behind(gateway.answer(200, given)):
            found = gateway.finding("call with a token", gateway.token())
        assert found == Finding("unknown", "An address that should be of a web server is not.")

    def test_a_private_gateway_that_is_not_reached(self, gateway: Gateway) -> None:
        with gateway.behind(gateway.answer(200, {})):
            pass
        gateway.world.services.answers[f"GET /20190501/gateways/{GATEWAY}"]["endpointType"] = "PRIVATE"
        found = gateway.finding("call without a token")
        assert found.state == "unknown"
        assert found.text.endswith(
            "does not answer: ConnectionRefusedError. The gateway is private: run this inside of its network."
        )
