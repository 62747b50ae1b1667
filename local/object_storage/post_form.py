"""The form of a browser upload (multipart/form-data, RFC 7578), as S3's POST Object reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData
from werkzeug.wrappers import Request

from local.api import ApiError
from local.object_storage.content import Content, chunks

MAX_FIELDS_BYTES = 20_000
"""How large everything before the file may be."""

_DIRECTORIES = re.compile(r".*[/\\]", re.DOTALL)


@dataclass(frozen=True)
class Form:
    """The fields of a form and its file.

    Args:
        fields: values by name, the names in lower case; the file's name has replaced `${filename}` in the key.
        content: of the file.
    """

    fields: dict[str, str]
    content: Content


def read_form(request: Request) -> Form:
    """The form in a request. Fields after the file are ignored, as in S3.

    Raises:
        ApiError: S3 does not accept the form.
    """
    kind, options = parse_options_header(request.headers.get("Content-Type"))
    if kind != "multipart/form-data" or not options.get("boundary"):
        condition = "Bucket POST must be of the enclosure-type multipart/form-data"
        message = "At least one of the pre-conditions you specified did not hold"
        raise ApiError(412, "PreconditionFailed", message, Condition=condition)
    if request.content_length is None:
        raise ApiError(411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
    try:
        return _form(_parts(_events(request, options["boundary"].encode())))
    except (ValueError, RequestEntityTooLarge):
        raise _malformed() from None


def _form(parts: Iterator[tuple[Field | File, Content]]) -> Form:
    fields: dict[str, str] = {}
    for part, content in parts:
        name = part.name.lower()
        if name == "file":
            filename = _DIRECTORIES.sub("", part.filename) if isinstance(part, File) else ""
            if "key" in fields:
                fields["key"] = fields["key"].replace("${filename}", filename)
            return Form(fields, content)
        if name in fields:
            raise _malformed()
        fields[name] = content.read().decode()
        if sum(len(name) + len(value) for name, value in fields.items()) > MAX_FIELDS_BYTES:
            message = "Your POST request fields preceding the upload file were too large."
            raise ApiError(
                400, "MaxPostPreDataLengthExceededError", message, MaxPostPreDataLength=str(MAX_FIELDS_BYTES)
            )
    message = "POST requires exactly one file upload per request."
    raise ApiError(400, "InvalidArgument", message, ArgumentName="file", ArgumentValue="0")


def _parts(events: Iterator[Event]) -> Iterator[tuple[Field | File, Content]]:
    part: Field | File | None = None
    content = Content()
    for event in events:
        if isinstance(event, Field | File):
            if not event.name:
                raise _malformed()
            part = event
            content = Content()
        elif isinstance(event, Data) and part:
            content.write(event.data)
            if not event.more_data:
                yield part, content


def _events(request: Request, boundary: bytes) -> Iterator[Event]:
    decoder = MultipartDecoder(boundary)
    for chunk in chain(chunks(request), [None]):
        decoder.receive_data(chunk)
        while not isinstance(event := decoder.next_event(), NeedData | Epilogue):
            yield event
        if isinstance(event, Epilogue):
            return


def _malformed() -> ApiError:
    message = "The body of your POST request is not well-formed multipart/form-data."
    return ApiError(400, "MalformedPOSTRequest", message)
