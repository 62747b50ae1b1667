"""The S3 API's answers in XML: errors and results."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, tostring

from werkzeug.wrappers import Request, Response

from local.api import ApiError

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


def error_response(error: ApiError) -> Response:
    """An error in XML."""
    elements = {"Code": error.code, "Message": error.message, **error.details, "RequestId": uuid.uuid4().hex.upper()}
    return xml_response("Error", elements, status=error.status)


def xml_response(
    root: str, elements: Mapping[str, str | Sequence[Mapping[str, str]]], *, status: int = 200
) -> Response:
    """An answer that is one XML element with others in it.

    Args:
        elements: texts by name; a sequence gives one element of the name for each of its members.
    """
    document = Element(root, {"xmlns": _NAMESPACE} if root.endswith("Result") else {})
    for name, value in elements.items():
        if isinstance(value, str):
            SubElement(document, name).text = value
            continue
        for member in value:
            element = SubElement(document, name)
            for inner_name, text in member.items():
                SubElement(element, inner_name).text = text
    content = tostring(document, encoding="utf-8", xml_declaration=True)
    return Response(content, status, content_type="application/xml")


def object_url(request: Request, bucket: str, key: str) -> str:
    """The URL of an object in path style, without a signature, for the host that the request names."""
    return f"{request.host_url.rstrip('/')}/{bucket}/{quote(key, safe='/')}"


def iso_time(moment: datetime) -> str:
    """A moment as S3 writes it (ISO 8601, no fractions of a second)."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"
