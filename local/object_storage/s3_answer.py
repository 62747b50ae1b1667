"""The S3 API's answers in XML: errors and results."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, tostring

from werkzeug.wrappers import Request, Response

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


class S3Error(Exception):
    """An error as S3 answers it.

    Args:
        status: of the HTTP response.
        code: S3's name of the error.
        message: S3's text.
        details: further elements of the answer.
    """

    def __init__(self, status: int, code: str, message: str, **details: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.details = details

    def response(self) -> Response:
        """The error as an answer in XML."""
        elements = {"Code": self.code, "Message": self.message, **self.details, "RequestId": uuid.uuid4().hex.upper()}
        return xml_response("Error", elements, status=self.status)


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
