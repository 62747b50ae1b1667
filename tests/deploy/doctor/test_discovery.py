"""The discovery document of the identity provider, at addresses of this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from deploy.doctor.diagnosis import findings_of
from deploy.doctor.finding import Finding
from deploy.doctor.steps import STEPS
from local.server import Server
from support.oci_answers import DEPLOYMENT
from support.oci_services import World

PATH = "/.well-known/openid-configuration"
KEYS = [{"kty": "RSA", "kid": "a"}, {"kty": "RSA", "kid": "b"}]


class Provider:
    """An identity provider, at `url`, with two hosts: its own, and one that has the keys.

    Attributes:
        documents: of its own host, by their paths.
        of_keys: those of the host of the keys.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.documents: dict[str, Any] = {}
        self.of_keys: dict[str, Any] = {"/keys": {"keys": KEYS}}
        self.servers = [Server(self._app(self.documents)), Server(self._app(self.of_keys))]
        self.url, self.keys_url = (server.url for server in self.servers)
        specification = world.services.answers[f"GET /20190501/deployments/{DEPLOYMENT}"]["specification"]
        self.policy: dict[str, Any] = specification["requestPolicies"]["authentication"]["validationPolicy"]
        self.policy["uri"] = f"{self.keys_url}/keys"
        self.accept(self.url)
        self.tell(self.documents)

    def accept(self, *issuers: str) -> None:
        """Set the issuers of the deployment."""
        self.policy["additionalValidationPolicy"]["issuers"] = list(issuers)

    def tell(self, documents: dict[str, Any], **members: Any) -> None:
        """Put a discovery document of the provider to a host."""
        document = {"issuer": self.url, "jwks_uri": f"{self.keys_url}/keys"}
        documents[PATH] = {**document, "id_token_signing_alg_values_supported": ["RS256", "ES256"], **members}

    def finding(self) -> Finding:
        """The finding of the step."""
        steps = [step for step in STEPS if step.name == "discovery document"]
        ((_, finding),) = findings_of(steps, self.world.tenancy())
        return finding

    @staticmethod
    def _app(documents: dict[str, Any]) -> Any:
        def answer(request: Request) -> Response:
            found = documents.get(request.path)
            return Response("{}", 404) if found is None else Response(json.dumps(found))

        return answer


@pytest.fixture
def provider(world: World) -> Iterator[Provider]:
    made = Provider(world)
    yield made
    for server in made.servers:
        server.stop()


def test_a_provider_whose_keys_are_elsewhere(provider: Provider) -> None:
    text = f"{provider.url}{PATH} tells the issuer {provider.url}, and the keys of the deployment."
    assert provider.finding() == Finding("ok", text)


def test_the_shared_issuer_of_identity_domains(provider: Provider) -> None:
    """The document is at the host of the keys, whose address it tells without a host."""
    provider.documents.clear()
    provider.accept("https://identity.oraclecloud.com/")
    provider.tell(provider.of_keys, issuer="https://identity.oraclecloud.com/", jwks_uri="/keys")
    assert provider.finding().state == "ok"


def test_an_issuer_without_the_slash_of_its_tokens(provider: Provider) -> None:
    provider.tell(provider.documents, issuer=f"{provider.url}/")
    assert provider.finding() == Finding(
        "wrong",
        f"{provider.url}{PATH} tells the issuer {provider.url}/; the deployment accepts {provider.url}.",
        f"deploy with ISSUER={provider.url}/, if the tokens of your users have it",
    )


def test_an_issuer_whose_host_of_keys_tells_another(provider: Provider) -> None:
    provider.documents.clear()
    provider.tell(provider.of_keys, issuer="https://other.example/")
    found = provider.finding()
    assert (found.state, found.text) == (
        "wrong",
        f"{provider.keys_url}{PATH} tells the issuer https://other.example/; the deployment accepts {provider.url}.",
    )


def test_an_issuer_that_does_not_answer(provider: Provider) -> None:
    """The host of the keys may have the document of another issuer."""
    provider.tell(provider.of_keys, issuer="https://other.example/")
    provider.servers[0].stop()
    found = provider.finding()
    assert found.state == "unknown"
    assert found.text.endswith(f"No document of {provider.url} itself was found.")


def test_one_of_two_issuers(provider: Provider) -> None:
    provider.accept(provider.url, f"{provider.url}/second")
    provider.documents[f"/second{PATH}"] = {"issuer": f"{provider.url}/third", "jwks_uri": "/keys"}
    found = provider.finding()
    assert (found.state, found.text) == (
        "wrong",
        f"{provider.url}/second{PATH} tells the issuer {provider.url}/third; "
        f"the deployment accepts {provider.url}/second.",
    )


def test_other_keys(provider: Provider) -> None:
    provider.of_keys["/new"] = {"keys": [{"kty": "RSA", "kid": "c"}]}
    provider.tell(provider.documents, jwks_uri=f"{provider.keys_url}/new")
    assert provider.finding() == Finding(
        "wrong",
        f"{provider.url}{PATH} tells the keys {provider.keys_url}/new; the deployment has those of "
        f"{provider.keys_url}/keys, which are others.",
        f"deploy with JWKS_URI={provider.keys_url}/new",
    )


def test_the_same_keys_at_another_address(provider: Provider) -> None:
    provider.of_keys["/new"] = {"keys": KEYS[:1]}
    provider.tell(provider.documents, jwks_uri=f"{provider.keys_url}/new")
    assert provider.finding().state == "ok"


def test_an_algorithm_that_the_gateway_does_not_know(provider: Provider) -> None:
    provider.tell(provider.documents, id_token_signing_alg_values_supported=["ES256", "PS256"])
    assert provider.finding() == Finding(
        "wrong",
        f"{provider.url}{PATH} tells ES256, PS256; the gateway verifies RS256, RS384, RS512.",
        "let the identity provider sign with RS256",
    )


@pytest.mark.parametrize(
    "document", [None, [], {"issuer": 1, "jwks_uri": "/keys"}, {"issuer": "https://other.example/"}]
)
def test_no_document(document: Any, provider: Provider) -> None:
    provider.documents[PATH] = document
    assert provider.finding() == Finding("skipped", "The identity provider publishes no discovery document.")


@pytest.mark.parametrize(
    ("issuers", "text"),
    [
        ([], "The deployment accepts any issuer."),
        (["presign-issuer"], "The identity provider publishes no discovery document."),
    ],
)
def test_issuers_that_are_no_address(issuers: list[str], text: str, provider: Provider) -> None:
    provider.accept(*issuers)
    assert provider.finding() == Finding("skipped", text)


def test_a_provider_that_does_not_answer(provider: Provider) -> None:
    for server in provider.servers:
        server.stop()
    found = provider.finding()
    assert found.state == "unknown"
    assert found.text.endswith("does not answer: ConnectionRefusedError.")
