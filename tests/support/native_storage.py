"""Object storage that runs, the OCI SDK's client of its native API, and requests with PARs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from oci.object_storage import ObjectStorageClient
from oci.object_storage.models import CreatePreauthenticatedRequestDetails, PreauthenticatedRequest

from support.signed_requests import principal
from support.store import BUCKET, Store

NAMESPACE = "ns"


class NativeStorage(Store):
    """A store, and the SDK as the function's resource principal.

    Args:
        directory: for the files of the resource principal.
    """

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.principal, self.signer = principal(directory, monkeypatch)
        super().__init__(principal=self.principal, namespace=NAMESPACE)
        self.sdk = ObjectStorageClient({}, signer=self.signer, service_endpoint=self.server.url)

    def par(
        self,
        access_type: str = "ObjectRead",
        object_name: str | None = "a.txt",
        *,
        seconds: float = 600,
        **details: Any,
    ) -> PreauthenticatedRequest:
        """Create a PAR."""
        given = CreatePreauthenticatedRequestDetails(
            name=details.pop("name", "test"),
            access_type=access_type,
            object_name=object_name,
            time_expires=datetime.now(UTC) + timedelta(seconds=seconds),
            **details,
        )
        return self.sdk.create_preauthenticated_request(NAMESPACE, BUCKET, given).data


def ask(method: str, url: str, **options: Any) -> requests.Response:
    """Send a request."""
    return requests.request(method, url, timeout=10, **options)


def error(answer: requests.Response) -> tuple[int, str]:
    """Status and code of an error of the native API."""
    document = answer.json()
    assert sorted(document) == ["code", "message"]
    assert document["message"]
    return answer.status_code, document["code"]
