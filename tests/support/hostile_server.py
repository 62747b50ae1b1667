"""A function and a store that answer as nothing should, for clients that have to survive it."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from werkzeug.wrappers import Request, Response

SECRET = "X-Amz-Signature=0123456789abcdef"
"""A part of each URL that is handed out. No client may show it."""
_ENTITIES = """<!DOCTYPE Error [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">
<!ENTITY f SYSTEM "file:///etc/passwd">]>
<Error><Code>&f;</Code><Message>&b;&b;&b;</Message></Error>"""
_DEEP = "<Error>" + "<a>" * 1_000_000
_SIGN_IN = "<!doctype html><html><body>Sign in to the hotel's network</body></html>"
_CONTENT = b"the bytes of the object"
_METHODS = {
    "put_object": "PUT",
    "delete_object": "DELETE",
    "head_object": "HEAD",
    "create_multipart_upload": "POST",
    "upload_part": "PUT",
    "abort_multipart_upload": "DELETE",
}


class HostileServer:
    """Answers requests for URLs at `/v1/presign`, and those to the URLs. The key of the object names the answer.

    Attributes:
        seen: the number of requests by their paths. `GET /seen/PATH` tells it.
        closing: ends the answers that would never end.
    """

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.closing = threading.Event()
        self._api: dict[str, Callable[[Request], Response]] = {
            "401": lambda _: _gateway_error(401, "Unauthorized"),
            "401-bearer": lambda _: _unauthorized('Bearer error="invalid_token"'),
            "401-basic": lambda _: _unauthorized('Basic realm="store"'),
            "404": lambda _: _gateway_error(404, "Not Found"),
            "405": lambda _: _gateway_error(405, "Method Not Allowed"),
            "413": lambda _: _gateway_error(413, "Payload Too Large"),
            "415": lambda _: _gateway_error(415, "Unsupported Media Type"),
            "wrong-path": lambda _: Response("<h1>Not Found</h1>", 404, mimetype="text/html"),
            "sign-in-page": lambda _: Response(_SIGN_IN, mimetype="text/html"),
            "firewall": lambda _: _json({"code": 9, "errors": "blocked", "detail": {"by": "firewall"}}, 403),
            "redirect": lambda _: Response(status=307, headers={"Location": "/stolen"}),
            "insecure": lambda _: _json(_answer("GET", f"http://192.0.2.1/object?{SECRET}")),
            "bad-port": lambda _: _json(_answer("GET", f"http://127.0.0.1:99999/object?{SECRET}")),
            "bad-method": lambda _: _json(_answer("GET / ", f"https://localhost/object?{SECRET}")),
            "bad-header": lambda _: _json(_answer("GET", f"https://localhost/object?{SECRET}", {"A": "b\r\nc: d"})),
            "no-parts": lambda _: _json(_answer("POST", f"https://localhost/object?{SECRET}") | {"max_parts": 0}),
            "no-url": lambda _: _json({"method": "GET"}),
            "patient": lambda _: Response(status=503, headers={"Retry-After": "9" * 400}),
            "silent": self._silence,
            "cut": self._cut,
        }
        self._store: dict[str, Callable[[Request], Response]] = {
            "entities": lambda _: Response(_ENTITIES, 400, mimetype="application/xml"),
            "deep": lambda _: Response(_DEEP, 400, mimetype="application/xml"),
            "endless": lambda _: Response((b"a" * 65_536 for _ in range(1 << 10)), mimetype="application/xml"),
            "store-redirect": lambda _: Response(status=307, headers={"Location": "/stolen"}),
            "store-sign-in-page": lambda _: Response(_SIGN_IN, mimetype="text/html"),
            "store-html": lambda _: Response(_SIGN_IN, 400, mimetype="text/html"),
            "store-json": lambda _: _json({"code": [1], "message": {"a": 1}}, 400),
            "telling": lambda _: _store_error(400, "Telling", f"http://127.0.0.1/object?{SECRET}"),
            "refused": lambda _: _store_error(400, "InvalidArgument", "An argument is not valid."),
            "store-401": lambda _: _unauthorized('Basic realm="store"'),
            "drops": lambda _: Response(self._drops(), headers={"ETag": '"1"', "Content-Length": "600"}),
            "store-silent": self._silence,
            "parts-silent": lambda request: _begun() if request.method == "POST" else self._silence(request),
            "list-cut": lambda _: _list("<IsTruncated>true</IsTruncated>"),
            "list-same": lambda _: _list(
                "<IsTruncated>true</IsTruncated><NextContinuationToken>a</NextContinuationToken>"
            ),
            "list-nameless": lambda _: _list("<Contents><Size>1</Size></Contents>"),
            "list-escaped": lambda _: _list("<Contents><Key><![CDATA[a&]]>b&amp;c<!-- d --></Key></Contents>"),
            "par-list-same": lambda _: _json({"objects": [], "nextStartWith": "a"}),
            "par-list-nameless": lambda _: _json({"objects": [{"size": 1}]}),
            "par-list-numbers": lambda _: _json({"objects": [5]}),
            "no-length": lambda _: Response(iter([_CONTENT]), headers={"ETag": '"1"'}),
            "restarts": self._after(1, lambda: _begun_object(_CONTENT * 2)),
            "damaged": lambda _: _object(digest=hashlib.sha256(b"other bytes").digest()),
            "whole": lambda _: _object(digest=hashlib.sha256(_CONTENT).digest()),
            "store-patient": lambda _: Response(status=503, headers={"Retry-After": "9" * 400}),
            "nonsense": self._after(1, lambda: Response(status=503, headers={"Retry-After": "soon"})),
            "busy": lambda _: Response(status=503),
            "flaky": self._after(2, lambda: Response(status=503)),
            "expired": self._after(1, lambda: _store_error(403, "AccessDenied", "Request has expired")),
            "always-expired": lambda _: _store_error(403, "AccessDenied", "Request has expired"),
        }

    def __call__(self, request: Request) -> Response:
        path = request.path.strip("/")
        if path.startswith("seen/"):
            return Response(str(self.seen[path.removeprefix("seen/")]))
        self.seen[path] += 1
        if path == "v1/presign":
            return self._presign(request)
        if path.startswith(("object/", "p/")):
            request.get_data()
            return self._store[path.split("/")[1]](request)
        return Response("stolen", headers={"ETag": '"stolen"'})

    def _presign(self, request: Request) -> Response:
        asked = json.loads(request.get_data())
        key = asked.get("key", asked.get("prefix", "").strip("/"))
        self.seen[key] += 1
        if key in self._api:
            return self._api[key](request)
        if asked["operation"] == "get_prefix":
            return _json(_answer("GET", f"{request.host_url}p/{key}/n/namespace/b/bucket/o/"))
        return _json(_answer(_METHODS.get(asked["operation"], "GET"), f"{request.host_url}object/{key}?{SECRET}"))

    def _after(self, failures: int, failure: Callable[[], Response]) -> Callable[[Request], Response]:
        """An answer that is right after so many failures, again and again."""

        def answer(request: Request) -> Response:
            is_right = self.seen[request.path.strip("/")] % (failures + 1) == 0
            return _object(digest=hashlib.sha256(_CONTENT).digest()) if is_right else failure()

        return answer

    def _cut(self, request: Request) -> Response:
        """Each first answer ends too early."""
        if self.seen["cut"] % 2:
            return Response(iter([b'{"url": "']), headers={"Content-Length": "600"}, mimetype="application/json")
        return _json(_answer("GET", f"{request.host_url}object/whole?{SECRET}"))

    def _silence(self, _: Request) -> Response:
        self.closing.wait(600)
        return Response(status=503)

    def _drops(self) -> Iterator[bytes]:
        for _ in range(600):
            if self.closing.wait(0.1):
                return
            yield b"."


def _answer(method: str, url: str, headers: Mapping[str, str] | None = None) -> dict[str, object]:
    return {
        "url": url,
        "method": method,
        "headers": dict(headers or {}),
        "expires_at": "2030-01-01T00:00:00Z",
        "expires_in": 3600,
        "operation": "get_object",
        "bucket": "bucket",
        "via": "s3",
    }


def _json(document: object, status: int = 200) -> Response:
    return Response(json.dumps(document), status, mimetype="application/json")


def _gateway_error(status: int, message: str) -> Response:
    return _json({"code": status, "message": message}, status)


def _unauthorized(challenge: str) -> Response:
    return Response(status=401, headers={"WWW-Authenticate": challenge})


def _store_error(status: int, code: str, message: str) -> Response:
    return Response(f"<Error><Code>{code}</Code><Message>{message}</Message></Error>", status)


def _list(content: str) -> Response:
    return Response(f"<ListBucketResult>{content}</ListBucketResult>", mimetype="application/xml")


def _begun() -> Response:
    return Response("<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>")


def _begun_object(beginning: bytes) -> Response:
    return Response(iter([beginning]), headers={"ETag": '"2"', "Content-Length": "600"})


def _object(*, digest: bytes) -> Response:
    headers = {"ETag": '"1"', "x-amz-meta-sha256": base64.b64encode(digest).decode()}
    return Response(_CONTENT, headers=headers)
