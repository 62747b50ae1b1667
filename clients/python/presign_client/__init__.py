"""Uploads, downloads, lists, copies, shares and deletes objects through URLs that the presign function hands out."""

from presign_client.client import Client
from presign_client.download import Downloaded
from presign_client.errors import (
    Changed,
    ChecksumMismatch,
    ConnectionFailed,
    FieldError,
    FolderError,
    InvalidArgument,
    NoToken,
    NotRevocable,
    PresignError,
    Problem,
    StoreError,
    UnreadableFile,
    UnwritableFile,
)
from presign_client.folders import FolderDone
from presign_client.function import Function
from presign_client.gateway import Gateway
from presign_client.listing import Entry
from presign_client.retry import Retry
from presign_client.upload import Uploaded
from presign_client.urls import PresignedUrl, Presigner

__version__ = "0.3.0"

__all__ = [
    "Changed",
    "ChecksumMismatch",
    "Client",
    "ConnectionFailed",
    "Downloaded",
    "Entry",
    "FieldError",
    "FolderDone",
    "FolderError",
    "Function",
    "Gateway",
    "InvalidArgument",
    "NoToken",
    "NotRevocable",
    "PresignError",
    "PresignedUrl",
    "Presigner",
    "Problem",
    "Retry",
    "StoreError",
    "UnreadableFile",
    "UnwritableFile",
    "Uploaded",
]
