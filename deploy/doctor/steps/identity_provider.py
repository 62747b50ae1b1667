"""The identity provider: whether the deployment knows its issuer and its keys, as its discovery document tells them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from deploy.doctor.finding import Finding, Skipped, worst_of
from deploy.doctor.gateway import tokens
from deploy.doctor.gateway.discovery import DiscoveryDocument, place_of, places
from deploy.doctor.step import Step
from deploy.doctor.steps.gateway import answer_of_jwks
from deploy.doctor.tenancy import Tenancy
from deploy.doctor.web import NoAnswer, ask


def discovery(tenancy: Tenancy) -> Finding:
    """Whether issuer, keys and algorithm of the deployment are those of the provider's discovery document."""
    deployed = tenancy.gateway.specification
    if not deployed.issuers:
        raise Skipped("The deployment accepts any issuer.")
    documents, silent = _documents(deployed.issuers, jwks_uri=deployed.jwks_uri)
    if not documents:
        if silent:
            raise next(iter(silent.values()))
        raise Skipped("The identity provider publishes no discovery document.")
    return worst_of([_of_issuer(tenancy, issuer, documents, silent) for issuer in deployed.issuers])


def _documents(issuers: Sequence[str], *, jwks_uri: str | None) -> tuple[list[DiscoveryDocument], dict[str, NoAnswer]]:
    """The documents that tell these issuers, or others; and the addresses that do not answer."""
    documents: list[DiscoveryDocument] = []
    silent: dict[str, NoAnswer] = {}
    for url in places(issuers, jwks_uri=jwks_uri):
        try:
            found = DiscoveryDocument.read(ask("GET", url), url=url)
        except NoAnswer as exc:
            silent[url] = exc
            continue
        documents += [found] if found else []
        if {document.issuer for document in documents} >= set(issuers):
            break
    return documents, silent


def _of_issuer(
    tenancy: Tenancy, issuer: str, documents: Sequence[DiscoveryDocument], silent: dict[str, NoAnswer]
) -> Finding:
    """Whether the document of an issuer is there, and tells the keys that the deployment has."""
    for document in documents:
        if document.issuer == issuer:
            return worst_of([*_differences(tenancy, document)])
    own = place_of(issuer)
    told = next((one for one in documents if one.url == own), documents[0])
    text = f"{told.url} tells the issuer {told.issuer}; the deployment accepts {issuer}."
    # The document at the host of the keys may be that of another issuer, unless a slash alone is between them.
    may_be_another = told.url != own and told.issuer.rstrip("/") != issuer.rstrip("/")
    if may_be_another and (own in silent or len(tenancy.gateway.specification.issuers) > 1):
        return Finding("unknown", f"{text} No document of {issuer} itself was found.")
    return Finding("wrong", text, f"deploy with ISSUER={told.issuer}, if the tokens of your users have it")


def _differences(tenancy: Tenancy, document: DiscoveryDocument) -> Iterator[Finding]:
    uri = tenancy.gateway.specification.jwks_uri
    yield Finding("ok", f"{document.url} tells the issuer {document.issuer}, and the keys of the deployment.")
    if document.algorithms and set(document.algorithms).isdisjoint(tokens.ALGORITHMS):
        text = f"{document.url} tells {', '.join(document.algorithms)}; the gateway verifies "
        mend = "let the identity provider sign with RS256"
        yield Finding("wrong", f"{text}{', '.join(tokens.ALGORITHMS)}.", mend)
    if uri is None or document.has_keys_at(uri):
        return
    wanted = tokens.keys_in(ask("GET", document.jwks_uri)) or []
    known = tokens.keys_in(answer_of_jwks(tenancy, uri)) or []
    if not wanted or not {key.get("kid") for key in wanted} <= {key.get("kid") for key in known}:
        text = (
            f"{document.url} tells the keys {document.jwks_uri}; the deployment has those of {uri}, which are others."
        )
        yield Finding("wrong", text, f"deploy with JWKS_URI={document.jwks_uri}")


STEPS = (Step("gateway", "discovery document", discovery),)
