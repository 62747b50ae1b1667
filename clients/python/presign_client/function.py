"""The function, invoked directly."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from presign_client.answers import problem
from presign_client.errors import ConnectionFailed, InvalidArgument, Problem
from presign_client.gateway import encoded


class Function:
    """The function, invoked directly. The caller needs the permission to invoke it, and no token.

    Args:
        function_id: OCID of the function.
        client: an `oci.functions.FunctionsInvokeClient` for the function's invoke endpoint.
    """

    def __init__(self, function_id: str, client: Any) -> None:
        self._function_id = function_id
        self._client = client

    @classmethod
    def as_resource_principal(cls, function_id: str, *, endpoint: str) -> Function:
        """For another function, which its resource principal lets in.

        Raises:
            InvalidArgument: there is no resource principal here, or no `oci`.
        """
        with _configuring():
            from oci.auth.signers import get_resource_principals_signer
            from oci.functions import FunctionsInvokeClient

            signer = get_resource_principals_signer()
            return cls(function_id, FunctionsInvokeClient({}, signer=signer, service_endpoint=endpoint))

    @classmethod
    def from_config(cls, function_id: str, *, endpoint: str, profile: str = "DEFAULT") -> Function:
        """For a user with the OCI CLI's configuration file.

        Raises:
            InvalidArgument: the file is missing or wrong, or `oci` is missing.
        """
        with _configuring():
            from oci.config import from_file
            from oci.functions import FunctionsInvokeClient

            return cls(function_id, FunctionsInvokeClient(from_file(profile_name=profile), service_endpoint=endpoint))

    def presign(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """See `Presigner`."""
        return self._invoke(request)

    def batch(self, requests: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """See `Presigner`."""
        return self._invoke({"requests": requests})

    def revoke(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """See `Presigner`."""
        return self._invoke(request)

    def _invoke(self, document: Mapping[str, Any]) -> dict[str, Any]:
        from oci.exceptions import ConnectTimeout, RequestException, ServiceError

        try:
            body = encoded(document)
            content = self._client.invoke_function(self._function_id, invoke_function_body=body).data.content
        except ServiceError as error:
            raise Problem(
                "The function could not be invoked.", status=error.status, code=error.code or f"http_{error.status}"
            ) from None
        except (ConnectTimeout, RequestException) as error:
            raise ConnectionFailed("the function", cause=type(error).__name__) from None
        try:
            answer = json.loads(content)
        except ValueError:
            answer = None
        # A direct invocation has no status of its own: the answer of a refusal holds it.
        if not isinstance(answer, dict) or "status" in answer:
            raise problem(answer, status=502, headers={})
        return answer


@contextmanager
def _configuring() -> Iterator[None]:
    try:
        yield
    except ImportError:
        raise InvalidArgument("To invoke the function, install presign-client[oci].") from None
    except Exception as error:  # noqa: BLE001 - the SDK has many kinds
        raise InvalidArgument(f"OCI's SDK refuses its configuration: {type(error).__name__}: {error}") from None
