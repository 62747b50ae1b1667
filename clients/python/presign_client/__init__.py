"""Uploads, downloads, lists, copies, shares and deletes objects through URLs that the presign function hands out."""

from presign_client.client import Client
from presign_client.download import Downloaded
from presign_client.errors import (
    Changed,
    ChecksumMismatch,
    ConnectionFailed,
    FieldError,
    PresignError,
    Problem,
    StoreError,
)
from presign_client.listing import Entry
from presign_client.retry import Retry
from presign_client.upload import Uploaded
from presign_client.urls import Function, Gateway, PresignedUrl, Presigner

__all__ = [
    "Changed",
    "ChecksumMismatch",
    "Client",
    "ConnectionFailed",
    "Downloaded",
    "Entry",
    "FieldError",
    "Function",
    "Gateway",
    "PresignError",
    "PresignedUrl",
    "Presigner",
    "Problem",
    "Retry",
    "StoreError",
    "Uploaded",
]
