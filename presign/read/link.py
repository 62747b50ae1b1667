"""The query of a link, which asks for the read of one object."""

from typing import Any
from urllib.parse import parse_qsl

from presign.model.field_errors import nearest, pointer
from presign.model.invocation import Invocation
from presign.problems import FieldError, InvalidRequest

PARAMETERS = ("key", "bucket", "version_id", "download_as")
"""The options of a read that a link may give."""


def document_of_link(invocation: Invocation) -> dict[str, Any]:
    """The JSON of the request that a link stands for; its query is decoded as that of a form (`+` is a space).

    Raises:
        InvalidRequest: a parameter is unknown, comes twice or is not UTF-8; with every such error.
    """
    try:
        given = parse_qsl(invocation.target.partition("?")[2], keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise InvalidRequest(detail="The query is not UTF-8") from None
    names = [name for name, _ in given]
    errors = []
    for name in dict.fromkeys(names):
        if name not in PARAMETERS:
            detail = f"must be one of {', '.join(PARAMETERS)}{nearest(name, PARAMETERS)}"
            errors.append(FieldError(pointer(name), detail))
        elif names.count(name) > 1:
            errors.append(FieldError(pointer(name), "must be given once"))
    if errors:
        raise InvalidRequest(errors)
    return {"operation": "head_object" if invocation.method == "HEAD" else "get_object", **dict(given)}
