"""The specification of an API deployment: where the deployed one differs from `gateway/deployment.json`, and its parts.

The gateway secret stands in it, and is shown nowhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.fill import STORE_TEMPLATE, TEMPLATE, fill, fill_store, with_allowed_headers

SECRET_PLACEHOLDER = "<CLAIMS_KEY>"  # noqa: S105 - stands for the secret

_claim_header = re.compile(r"([^:]*):(\$\{request\.auth\[([^\]]+)\]\}:)")
_names = ("path", "name", "key")
"""The members by which the elements of a list are compared."""


class Specification:
    """A deployed specification.

    Args:
        document: it, in the JSON of OCI's API.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def part(self, *path: str) -> Any:
        """A part by its path; None if there is none."""
        found: Any = self._document
        for name in path:
            found = found.get(name) if isinstance(found, Mapping) else None
        return found

    @property
    def jwks_uri(self) -> str | None:
        """Where the keys are that verify tokens; None if they are not fetched from an address."""
        policy = self._validation_policy
        return str(policy["uri"]) if policy.get("type") == "REMOTE_JWKS" and policy.get("uri") else None

    @property
    def issuers(self) -> list[str]:
        """The issuers whose tokens are accepted."""
        return list(self._additional.get("issuers") or [])

    @property
    def audiences(self) -> list[str]:
        """The audiences of which a token must have one."""
        return list(self._additional.get("audiences") or [])

    @property
    def required_claims(self) -> list[str]:
        """The claims that a token must have, whatever their values are."""
        return [claim["key"] for claim in self._additional.get("verifyClaims") or [] if claim.get("isRequired")]

    @property
    def passed_claims(self) -> dict[str, str]:
        """The claim in each header that a route sets, by the header's name in lower case."""
        found = ((name, _claim_header.fullmatch(value)) for name, value in self._set_headers())
        return {name.lower(): match[3] for name, match in found if match}

    def sends(self, secrets: Sequence[str]) -> bool:
        """Whether each header with a claim begins with one of these gateway secrets."""
        matches = [
            _claim_header.fullmatch(value) for name, value in self._set_headers() if name.lower().startswith("x-claim-")
        ]
        return bool(matches) and all(match is not None and match[1] in secrets for match in matches)

    def differences(self, *, function_ocid: str) -> tuple[list[str], list[str]]:
        """The differences from `gateway/deployment.json`, filled with its own values; and its additions to that.

        Its rate, and headers that pages may send besides those of the file, are values too.

        Args:
            function_ocid: of the function that its routes should call.
        """
        values = {
            "FUNCTION_OCID": [function_ocid],
            "ISSUER": self.issuers,
            "AUDIENCE": self.audiences,
            "JWKS_URI": [self.jwks_uri or "<JWKS_URI>"],
            "ALLOWED_ORIGINS": self.part("requestPolicies", "cors", "allowedOrigins") or [],
            "CLAIMS_KEY": [SECRET_PLACEHOLDER],
        }
        filled = fill(json.loads(TEMPLATE.read_text("utf-8")), values)
        filled = with_allowed_headers(filled, self.part("requestPolicies", "cors", "allowedHeaders") or [])
        if rate := self.part("requestPolicies", "rateLimiting", "rateInRequestsPerSecond"):
            filled["requestPolicies"]["rateLimiting"]["rateInRequestsPerSecond"] = rate
        found = list(_differences(filled, _without_secret(self._document), ""))
        return _sorted_out(found, "gateway/deployment.json")

    @property
    def _validation_policy(self) -> Mapping[str, Any]:
        return self.part("requestPolicies", "authentication", "validationPolicy") or {}

    @property
    def _additional(self) -> Mapping[str, Any]:
        return self._validation_policy.get("additionalValidationPolicy") or {}

    def _set_headers(self) -> Iterator[tuple[str, str]]:
        """The names and values of the headers of requests that the routes set."""
        for route in self.part("routes") or []:
            transformations = Specification(route).part(
                "requestPolicies", "headerTransformations", "setHeaders", "items"
            )
            for item in transformations or []:
                yield from ((item["name"], value) for value in item["values"])


def store_differences(
    document: Mapping[str, Any], *, store: str, buckets: Sequence[str]
) -> tuple[list[str], list[str]]:
    """The differences of a store route from `gateway/store.json`, filled with its own origins; and its additions.

    Args:
        document: the specification, in the JSON of OCI's API.
        store: the URL of the S3 Compatibility API.
        buckets: those that must have routes.
    """
    origins = Specification(document).part("requestPolicies", "cors", "allowedOrigins") or []
    values = {"STORE": [store], "BUCKET": list(buckets), "ALLOWED_ORIGINS": origins}
    filled = fill_store(json.loads(STORE_TEMPLATE.read_text("utf-8")), values)
    return _sorted_out(list(_differences(filled, document, "")), "gateway/store.json")


def _sorted_out(found: Sequence[tuple[str, bool]], file: str) -> tuple[list[str], list[str]]:
    """Texts about differences, and about additions to a file."""
    differences = [text for text, is_added in found if not is_added]
    return differences, [f"{text} is not in {file}" for text, is_added in found if is_added]


def _without_secret(document: Any) -> Any:
    if isinstance(document, Mapping):
        return {name: _without_secret(value) for name, value in document.items()}
    if isinstance(document, list):
        return [_without_secret(element) for element in document]
    if isinstance(document, str) and (found := _claim_header.fullmatch(document)):
        return f"{SECRET_PLACEHOLDER}:{found[2]}"
    return document


def _differences(wanted: Any, found: Any, at: str) -> Iterator[tuple[str, bool]]:
    """Texts about differences, and places of additions, which only `found` has; each with whether it is an addition."""
    if isinstance(wanted, list) and isinstance(found, list):
        by_name = _by_name(wanted), _by_name(found)
        if by_name[0] is not None and by_name[1] is not None:
            yield from _differences_by_name(by_name[0], by_name[1], at, "{}[{}]")
        elif sorted(map(json.dumps, wanted)) != sorted(map(json.dumps, found)):
            yield _difference(wanted, found, at), False
    elif isinstance(wanted, Mapping) and isinstance(found, Mapping):
        yield from _differences_by_name(wanted, found, at, "{}.{}" if at else "{}{}")
    elif wanted != found:
        yield _difference(wanted, found, at), False


def _differences_by_name(
    wanted: Mapping[str, Any], found: Mapping[str, Any], at: str, path: str
) -> Iterator[tuple[str, bool]]:
    for name, value in wanted.items():
        here = path.format(at, name)
        if name in found:
            yield from _differences(value, found[name], here)
        else:
            yield f"{here} is missing", False
    for name, value in found.items():
        if name not in wanted and value not in (None, [], {}):
            yield path.format(at, name), True


def _difference(wanted: Any, found: Any, at: str) -> str:
    if ".setHeaders." in at or not (_is_plain(wanted) and _is_plain(found)):  # a secret may stand there in any form
        return f"{at} differs"
    return f"{at} is {json.dumps(found)}, not {json.dumps(wanted)}"


def _by_name(elements: Sequence[Any]) -> dict[str, Any] | None:
    """The elements of a list by their names; None if they have none."""
    for name in _names:
        if elements and all(isinstance(element, Mapping) and name in element for element in elements):
            named: dict[str, Any] = {}
            for element in elements:
                same = sum(other[name] == element[name] for other in elements[: len(named)])
                named[f"{element[name]} ({same + 1})" if same else str(element[name])] = element
            return named
    return None


def _is_plain(value: Any) -> bool:
    return not any(isinstance(one, Mapping | list) for one in (value if isinstance(value, list) else [value]))
