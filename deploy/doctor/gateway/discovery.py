"""Discovery documents, in which an identity provider tells its issuer and where its keys are.

OpenID Connect Discovery 1.0, sections 3 and 4.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from deploy.doctor.web import Answer

PATH = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class DiscoveryDocument:
    """A discovery document, as far as it concerns the gateway.

    Args:
        url: its own address.
        issuer: the claim `iss` of the tokens.
        jwks_uri: where the keys are.
        algorithms: by which tokens are signed; none if it does not tell.
    """

    url: str
    issuer: str
    jwks_uri: str
    algorithms: tuple[str, ...]

    @classmethod
    def read(cls, answer: Answer, *, url: str) -> DiscoveryDocument | None:
        """The document that `url` has answered; None if it is none."""
        try:
            document = json.loads(answer.body)
            issuer, keys = document["issuer"], document["jwks_uri"]
            algorithms = document.get("id_token_signing_alg_values_supported") or []
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
        if answer.status != 200 or not isinstance(issuer, str) or not isinstance(keys, str):
            return None
        # That of an identity domain of OCI has a path alone.
        return cls(url, issuer, urljoin(url, keys), tuple(map(str, algorithms)) if isinstance(algorithms, list) else ())

    def has_keys_at(self, uri: str) -> bool:
        """Whether its keys are at `uri`, where the port of the scheme may be left out."""
        return _without_default_port(self.jwks_uri) == _without_default_port(uri)


def place_of(issuer: str) -> str | None:
    """Where the document of an issuer should be; None if the issuer is no address."""
    return f"{issuer.rstrip('/')}{PATH}" if urlsplit(issuer).scheme in ("http", "https") else None


def places(issuers: Sequence[str], *, jwks_uri: str | None) -> Iterator[str]:
    """Where documents of these issuers may be: at the host of the keys, or at the issuers themselves.

    All identity domains of OCI share one issuer. Their documents are at their own hosts, and so are their keys.
    """
    found = [] if jwks_uri is None else [f"{urlsplit(jwks_uri).scheme}://{urlsplit(jwks_uri).netloc}{PATH}"]
    yield from dict.fromkeys([*found, *filter(None, map(place_of, issuers))])


def _without_default_port(uri: str) -> tuple[str, str | None, int | None, str, str]:
    parts = urlsplit(uri)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, parts.hostname, port, parts.path, parts.query
