"""The function that one writes first: each call fetches the secret and makes a boto3 client."""

from __future__ import annotations

import base64
import json
import os
from io import BytesIO

import boto3
from botocore.config import Config
from fdk.context import InvokeContext
from fdk.response import Response
from oci.auth.signers import get_resource_principals_signer
from oci.secrets import SecretsClient


def handler(ctx: InvokeContext, data: BytesIO) -> Response:
    """Answer with a URL for the object that the request names."""
    request = json.loads(data.getvalue())
    vault = SecretsClient({}, signer=get_resource_principals_signer(), service_endpoint=os.environ["VAULT_ENDPOINT"])
    bundle = vault.get_secret_bundle(os.environ["SECRET_OCID"]).data
    key = json.loads(base64.b64decode(bundle.secret_bundle_content.content))
    client = boto3.client(
        "s3",
        endpoint_url=os.environ["STORAGE_ENDPOINT"],
        region_name=os.environ["OCI_RESOURCE_PRINCIPAL_REGION"],
        aws_access_key_id=key["access_key_id"],
        aws_secret_access_key=key["secret_access_key"],
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
    parameters = {"Bucket": os.environ["DEFAULT_BUCKET"], "Key": request["key"]}
    url = client.generate_presigned_url("get_object", Params=parameters, ExpiresIn=3600)
    return Response(ctx, response_data=json.dumps({"url": url}), headers={"Content-Type": "application/json"})
