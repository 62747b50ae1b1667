"""A store that can be wrong in every way that matters to a policy."""

from __future__ import annotations

import base64
import itertools

from werkzeug.wrappers import Request, Response


class BadStore:
    """Verifies no signature.

    Args:
        ways: in which it is bad: `copies`: it copies for an unsigned header; `replaces`: it ignores If-None-Match;
            `forms`: it takes any form; `lists`: it knows the first version of the listing only; `expiry`: a URL is
            valid for a day at most; `no-forms`, `no-conditions`, `no-lists`: it refuses these; `no-uploads`,
            `no-reads`: the signing user may not do so.

    Attributes:
        objects: contents by path.
    """

    def __init__(self, *ways: str) -> None:
        self.ways = frozenset(ways)
        self.objects: dict[str, bytes] = {}
        self.uploads: set[str] = set()
        self._numbers = itertools.count()

    def __call__(self, request: Request) -> Response:
        if int(request.args.get("X-Amz-Expires", "0")) > 86_400 and "expiry" in self.ways:
            return _error(400, "AuthorizationQueryParametersError")
        match request.method:
            case "GET" if "list-type" in request.args:
                return self._list()
            case "GET" if "no-reads" in self.ways:
                return _error(403, "AccessDenied")
            case "GET" if request.path in self.objects:
                return Response(self.objects[request.path])
            case "GET":
                return _error(404, "NoSuchKey")
            case "POST" if "uploads" in request.args:
                return Response(f"<R><UploadId>{next(self._numbers)}</UploadId></R>")
            case "POST":
                return self._form(request)
            case "PUT":
                return self._put(request)
        return _error(405, "MethodNotAllowed")

    def _list(self) -> Response:
        if "no-lists" in self.ways:
            return _error(501, "NotImplemented")
        return Response("<ListBucketResult/>" if "lists" in self.ways else "<R><KeyCount>0</KeyCount></R>")

    def _form(self, request: Request) -> Response:
        if "no-forms" in self.ways:
            return _error(405, "MethodNotAllowed")
        content = request.files["file"].read()
        if "forms" not in self.ways and len(content) > 4 and b"4]" in _policy(request):
            return _error(400, "EntityTooLarge")
        self.objects[f"{request.path}/{request.form['key']}"] = content
        return Response(status=204)

    def _put(self, request: Request) -> Response:
        if "no-uploads" in self.ways:
            return _error(403, "AccessDenied")
        if "If-None-Match" in request.headers and "no-conditions" in self.ways:
            return _error(501, "NotImplemented")
        if "If-None-Match" in request.headers and "replaces" not in self.ways and request.path in self.objects:
            return _error(412, "PreconditionFailed")
        source = request.headers.get("x-amz-copy-source")
        if source is not None and "copies" not in self.ways:
            return _error(403, "AccessDenied")
        if "uploadId" in request.args:
            return Response("<CopyPartResult/>" if source else "")
        self.objects[request.path] = request.get_data() if source is None else self.objects[source]
        return Response()


def _policy(request: Request) -> bytes:
    return base64.b64decode(request.form["policy"])


def _error(status: int, code: str) -> Response:
    return Response(f"<Error><Code>{code}</Code></Error>", status)
