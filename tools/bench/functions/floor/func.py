"""The least that a cold start needs: the FDK, the SDK's secrets client, and one secret fetched with it."""

from __future__ import annotations

import os
from io import BytesIO

from fdk.context import InvokeContext
from fdk.response import Response
from oci.auth.signers import get_resource_principals_signer
from oci.secrets import SecretsClient

client = SecretsClient({}, signer=get_resource_principals_signer(), service_endpoint=os.environ["VAULT_ENDPOINT"])


def handler(ctx: InvokeContext, data: BytesIO) -> Response:
    """Fetch the secret, and say no more than that it is there."""
    bundle = client.get_secret_bundle(os.environ["SECRET_OCID"]).data
    return Response(ctx, response_data=str(bool(bundle.secret_bundle_content.content)))
