"""The conditions on which the native API stores an object."""

from __future__ import annotations

from werkzeug.wrappers import Request

from local.api import ApiError
from local.object_storage.stored_object import StoredObject


def is_create_only(request: Request, found: StoredObject | None) -> bool:
    """Whether an upload must not replace an object.

    Args:
        found: the object of this name; None if there is none.

    Raises:
        ApiError: `If-None-Match` has another value than `*`, or the object is not the one of `If-Match`.
    """
    unless, only_if = (request.headers.get(name) for name in ("If-None-Match", "If-Match"))
    if unless not in (None, "*"):
        raise ApiError(400, "InvalidParameter", "The only valid value of If-None-Match is *.")
    if only_if is not None and (found is None or only_if.strip('"') not in ("*", found.etag)):
        raise ApiError(412, "IfMatchFailed", "The object is not the one that If-Match tells.")
    return unless == "*"
