"""The local gateway obeys the deployment, and refuses what it would not obey."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import Any

import pytest
import requests

from local.api_gateway.deployment import UnsupportedDeployment, parse
from local.api_gateway.policies import RateLimiting
from local.api_gateway.rate_limiter import RateLimiter
from local.server import Server
from local.stack import Stack
from support.echo import CLAIMS_KEY, Echo, project_specification
from support.systems import Running

ORIGIN = "https://app.example.com"


def check_own_answer(response: requests.Response, status: int, message: str) -> None:
    """Check that the gateway itself has given this answer."""
    assert (response.status_code, response.json()) == (status, {"code": status, "message": message})
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["opc-request-id"]


class TestRoutes:
    """A path and a method of the deployment, or no way through."""

    @pytest.mark.parametrize(
        "path",
        ["/", "/v1", "/v1/presign/", "/v1//presign", "/v1/./presign", "/v1/%70resign", "/V1/presign"],
    )
    def test_another_path(self, echo: Echo, path: str) -> None:
        connection = HTTPConnection(echo.url.removeprefix("http://"), timeout=10)  # sends the path as it is
        connection.request("POST", path, b"{}", {**echo.authorization(), "Content-Type": "application/json"})
        response = connection.getresponse()
        assert (response.status, json.loads(response.read())) == (404, {"code": 404, "message": "Not Found"})
        connection.close()

    @pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])
    def test_another_method(self, echo: Echo, method: str) -> None:
        response = requests.request(method, f"{echo.url}/v1/presign", timeout=10)
        check_own_answer(response, 405, "Method Not Allowed")
        assert response.headers["Allow"] == "POST"

    def test_a_query_goes_with_the_path(self, running: Running) -> None:
        assert running.post("/v1/presign?a=b", json={"key": "a"}).status_code == 200


class TestBodies:
    """JSON, and at most 6 MB of it."""

    @pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""])
    def test_another_media_type(self, echo: Echo, media_type: str) -> None:
        response = echo.post(data=b"{}", headers={"Content-Type": media_type})
        check_own_answer(response, 415, "Unsupported Media Type")

    @pytest.mark.parametrize("media_type", ["application/json", "Application/JSON; charset=utf-8"])
    def test_json(self, echo: Echo, media_type: str) -> None:
        response = echo.post(data=b"{}", headers={"Content-Type": media_type})
        assert response.json()["body"] == "{}"

    def test_no_body(self, echo: Echo) -> None:
        check_own_answer(echo.post(data=b"", headers={"Content-Type": "application/json"}), 400, "Bad Request")

    def test_six_megabytes(self, echo: Echo) -> None:
        body = b'"' + b"a" * (6 * 1024 * 1024 - 2) + b'"'
        headers = {"Content-Type": "application/json"}
        assert echo.post(data=body, headers=headers).json()["length"] == 6 * 1024 * 1024
        check_own_answer(echo.post(data=body + b" ", headers=headers), 413, "Request Entity Too Large")

    def test_an_answer_of_six_million_bytes_at_most(self, echo: Echo) -> None:
        assert echo.post(json={"answer_bytes": 6_000_000}).text == "a" * 6_000_000
        check_own_answer(echo.post(json={"answer_bytes": 6_000_001}), 502, "Bad Gateway")


class TestHeaders:
    """The gateway changes the headers of requests and of answers."""

    def test_the_function_gets_claims_and_nothing_that_is_not_on_the_list(self, echo: Echo) -> None:
        token = echo.token(groups=["editor", "admin"], tenant="acme", scope="read write", email="alice@example.com")
        headers = {"Accept": "application/json", "Cookie": "a=b", "X-Other": "c", "Fn-Intent": "httprequest"}
        found = echo.post(token=token, headers=headers).json()["headers"]
        assert found == {
            "accept": "application/json",
            "content-length": "2",
            "content-type": "application/json",
            "cookie": "a=b",
            "x-claim-sub": f"{CLAIMS_KEY}:alice:",
            "x-claim-iss": f"{CLAIMS_KEY}:https://identity.local/:",
            "x-claim-groups": f'{CLAIMS_KEY}:["editor","admin"]:',
            "x-claim-tenant": f"{CLAIMS_KEY}:acme:",
            "x-claim-scope": f"{CLAIMS_KEY}:read write:",
        }

    def test_a_claim_that_the_token_does_not_have_is_empty(self, echo: Echo) -> None:
        assert echo.post().json()["headers"]["x-claim-groups"] == f"{CLAIMS_KEY}::"

    def test_a_claim_that_is_no_header_value_leaves_the_header_as_it_came(self, echo: Echo) -> None:
        """The function tells it by the key, which is missing."""
        token = echo.token(groups="editor\n")
        assert "x-claim-groups" not in echo.post(token=token).json()["headers"]
        found = echo.post(token=token, headers={"X-Claim-Groups": "admin"}).json()["headers"]
        assert found["x-claim-groups"] == "admin"

    def test_no_answer_may_be_cached(self, echo: Echo) -> None:
        assert echo.post().headers["Cache-Control"] == "no-store"

    def test_headers_that_are_too_large(self, echo: Echo) -> None:
        response = echo.post(headers={"X-Large": "a" * 8192})
        check_own_answer(response, 431, "Request Header Fields Too Large")


class TestCors:
    """Pages of the allowed origins may ask, and read the answers."""

    def preflight(self, echo: Echo, origin: str) -> requests.Response:
        headers = {
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        }
        response = requests.options(f"{echo.url}/v1/presign", headers=headers, timeout=10)
        assert (response.status_code, response.content) == (204, b"")
        return response

    @pytest.mark.parametrize("origin", [ORIGIN, "https://admin.example.com"])
    def test_a_preflight_request_needs_no_token(self, echo: Echo, origin: str) -> None:
        response = self.preflight(echo, origin)
        assert response.headers["Access-Control-Allow-Origin"] == origin
        assert response.headers["Access-Control-Allow-Methods"] == "GET, POST"
        assert response.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type"
        assert response.headers["Access-Control-Max-Age"] == "600"
        assert "Access-Control-Allow-Credentials" not in response.headers

    @pytest.mark.parametrize("origin", ["https://evil.example.com", "http://app.example.com", "null", f"{ORIGIN}.evil"])
    def test_another_origin(self, echo: Echo, origin: str) -> None:
        found = [self.preflight(echo, origin), echo.post(headers={"Origin": origin})]
        assert [name for response in found for name in response.headers if name.startswith("Access-Control")] == []

    def test_an_answer_may_be_read(self, echo: Echo) -> None:
        response = echo.post(headers={"Origin": ORIGIN})
        assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert response.headers["Access-Control-Expose-Headers"] == "Retry-After, opc-request-id"
        assert response.headers["Vary"] == "Origin"

    def test_a_refusal_of_the_gateway_may_be_read(self, echo: Echo) -> None:
        response = echo.post(token="none", headers={"Origin": ORIGIN})
        check_own_answer(response, 401, "Unauthorized")
        assert response.headers["Access-Control-Allow-Origin"] == ORIGIN

    def test_every_origin(self, running: Running) -> None:
        response = running.post(json={"key": "a"}, headers={**running.authorization(), "Origin": ORIGIN})
        assert response.headers["Access-Control-Allow-Origin"] == "*"


class TestRateLimit:
    """The gateway accepts a number of requests a second."""

    def test_what_is_too_much_is_refused_until_time_has_passed(self) -> None:
        now = 1000.0
        limiter = RateLimiter(RateLimiting(rate_in_requests_per_second=2, rate_key="CLIENT_IP"), clock=lambda: now)
        assert [limiter.allows("a") for _ in range(3)] == [True, True, False]
        assert limiter.allows("b")
        now += 0.5
        assert [limiter.allows("a") for _ in range(2)] == [True, False]
        now += 60
        assert [limiter.allows("a") for _ in range(3)] == [True, True, False]

    def test_one_limit_for_all(self) -> None:
        limiter = RateLimiter(RateLimiting(rate_in_requests_per_second=1, rate_key="TOTAL"), clock=lambda: 1000.0)
        assert [limiter.allows(client) for client in ("a", "b")] == [True, False]

    def test_the_answer(self, start: Any) -> None:
        rate_limiting = {"rateInRequestsPerSecond": 1, "rateKey": "CLIENT_IP"}
        running = start(specification={("requestPolicies", "rateLimiting"): rate_limiting})
        assert running.post(json={"key": "a"}).status_code == 200
        # The first answer may have taken more than a second.
        responses = (running.post(json={"key": "a"}) for _ in range(20))
        refused = next(response for response in responses if response.status_code != 200)
        check_own_answer(refused, 429, "Too Many Requests")
        assert refused.headers["Retry-After"] == "1"


class TestUnsupported:
    """A feature that the local gateway does not have is named, not ignored."""

    def test_its_own_deployment(self) -> None:
        routes = parse(project_specification()).routes
        assert [route.path for route in routes] == [
            "/v1/presign",
            "/v1/presign/batch",
            "/v1/presign/revoke",
            "/v1/object",
            "/v1/openapi.json",
        ]

    @pytest.mark.parametrize(
        ("path", "value", "name"),
        [
            (("requestPolicies", "mutualTls"), {"isVerifiedCertificateRequired": True}, "mutualTls"),
            (("requestPolicies", "usagePlans"), {"tokenLocations": []}, "usagePlans"),
            (("requestPolicies", "authentication", "type"), "JWT_AUTHENTICATION", "JWT_AUTHENTICATION"),
            (("requestPolicies", "authentication", "isAnonymousAccessAllowed"), True, "isAnonymousAccessAllowed"),
            (("requestPolicies", "authentication", "tokenQueryParam"), "token", "tokenQueryParam"),
            (("requestPolicies", "authentication", "validationPolicy", "type"), "STATIC_KEYS", "STATIC_KEYS"),
            (("requestPolicies", "authentication", "validationPolicy", "isSslVerifyDisabled"), True, "isSslVerify"),
            (("routes", 0, "requestPolicies", "responseCacheLookup"), {}, "responseCacheLookup"),
            (("routes", 0, "requestPolicies", "headerValidations"), {}, "headerValidations"),
            (("routes", 0, "requestPolicies", "bodyValidation", "validationMode"), "PERMISSIVE", "PERMISSIVE"),
            (("routes", 0, "requestPolicies", "authorization"), {"type": "ANONYMOUS"}, "ANONYMOUS"),
            (("routes", 0, "requestPolicies", "headerTransformations", "renameHeaders"), {}, "renameHeaders"),
            (("routes", 0, "requestPolicies", "headerTransformations", "filterHeaders", "type"), "DENY", "DENY"),
            (("routes", 0, "backend"), {"type": "STOCK_RESPONSE_BACKEND", "status": 200}, "STOCK_RESPONSE_BACKEND"),
            (("routes", 0, "backend"), {"type": "HTTP_BACKEND", "url": "https://${request.path[a]}/"}, "url"),
            (("routes", 0, "backend"), {"type": "HTTP_BACKEND", "url": "https://a${request.path[a]}"}, "url"),
            (("routes", 0, "path"), "/v1/{name}", "path"),
            (("routes", 0, "methods"), ["ANY"], "ANY"),
        ],
    )
    def test_another_feature(self, path: tuple[Any, ...], value: Any, name: str) -> None:
        specification = project_specification()
        part = specification
        for step in path[:-1]:
            part = part[step]
        part[path[-1]] = value
        with pytest.raises(UnsupportedDeployment, match=f"The local gateway cannot obey the deployment: .*{name}"):
            parse(specification)

    def test_nothing_is_started_with_it(self) -> None:
        mutual_tls: dict[tuple[str, ...], Any] = {
            ("requestPolicies", "mutualTls"): {"isVerifiedCertificateRequired": True}
        }
        with pytest.raises(UnsupportedDeployment, match="mutualTls"), Stack(specification=mutual_tls):
            pass

    @pytest.mark.parametrize("value", ["${request.headers[x-a]}", "${request.auth[sub]} $x", "$"])
    def test_another_context_variable(self, value: str) -> None:
        specification = project_specification()
        transformations = specification["routes"][0]["requestPolicies"]["headerTransformations"]
        transformations["setHeaders"]["items"][0]["values"] = [value]
        with pytest.raises(UnsupportedDeployment, match="values"):
            parse(specification)


class TestKeys:
    """The keys are the identity provider's own, fetched from it."""

    def test_an_identity_provider_that_is_down(self, start: Any) -> None:
        with Server(lambda _: None) as gone:  # type: ignore[arg-type, return-value]
            pass
        path = ("requestPolicies", "authentication", "validationPolicy", "uri")
        response = start(specification={path: f"{gone.url}/jwks"}).ask(key="a")
        check_own_answer(response, 500, "Internal Server Error")
