"""`python -m gateway.openapi` prints the OpenAPI document of the API, generated from the types of `presign`."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

import msgspec

from presign import problems
from presign.calls.revoke import Revocation, Revoked
from presign.model.operations import OPERATIONS
from presign.model.operations.objects import GetObject
from presign.model.outcomes import PresignedUrl
from presign.problems import MEDIA_TYPE, Problem, ProblemDetails
from presign.read import routes
from presign.read.link import PARAMETERS
from presign.read.parser import MAX_BATCH_REQUESTS

VERSION = re.findall(r"^version: (.+)$", (Path(__file__).parents[1] / "func.yaml").read_text("utf-8"), re.M)[0]

_REF = "#/components/schemas/{name}"

REQUEST_EXAMPLES = {
    "download": {"key": "users/alice/report.pdf", "download_as": "Report 2026.pdf", "expires_in": 300},
    "upload": {
        "operation": "put_object",
        "bucket": "uploads",
        "key": "users/alice/photo.png",
        "content_type": "image/png",
        "content_length": 5120,
    },
    "form": {"operation": "post_object", "key": "users/alice/photo.png", "max_content_length": 1048576},
    "part": {
        "operation": "upload_part",
        "key": "users/alice/film.mp4",
        "upload_id": "b3b7f3a0-6f8e-4ad4-a7a5-8d3b1c0c2f11",
        "part_number": 1,
    },
}

URL_EXAMPLE = {
    "url": "https://ns.compat.objectstorage.eu-frankfurt-1.oraclecloud.com/uploads/users/alice/photo.png?X-Amz-…",
    "method": "PUT",
    "headers": {"Content-Type": "image/png", "Content-Length": "5120"},
    "expires_at": "2026-11-24T04:16:17Z",
    "expires_in": 3600,
    "operation": "put_object",
    "bucket": "uploads",
    "key": "users/alice/photo.png",
}

REVOCATION_EXAMPLE = {"bucket": "PresignedBlog", "id": "ngNzwMTVgMkJ/+:photo.png"}
REVOKED_EXAMPLE = {**REVOCATION_EXAMPLE, "key": "photo.png", "expires_at": "2026-11-24T04:16:17Z"}
PROBLEM_EXAMPLE = msgspec.to_builtins(
    problems.InvalidRequest([problems.FieldError("/expires_in", "must be at most 604800")]).details("01KAVT5QAW1BT0G8")
)

GATEWAY_ERRORS = {
    400: ("Bad Request", "the body is missing"),
    401: ("Unauthorized", "the token is missing or not valid"),
    413: ("Request Entity Too Large", "the body is larger than a function may be sent"),
    415: ("Unsupported Media Type", "the body is not application/json"),
    429: ("Too Many Requests", "requests come too fast"),
    431: ("Request Header Fields Too Large", "the headers are too large"),
    500: ("Internal Server Error", "the gateway has a fault"),
    502: ("Bad Gateway", "the function has failed"),
    504: ("Gateway Timeout", "the function took too long"),
}
"""The errors that API Gateway answers by itself: their titles and their causes."""


def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Presign API",  # Generators name their packages after it.
            "version": VERSION,
            "description": "Hands out short-lived URLs to upload and download objects of OCI Object Storage.",
        },
        "servers": [{"url": "..", "description": "The deployment that this document was read from."}],
        "security": [{"token": []}],
        "paths": {
            routes.PRESIGN.path: {
                "post": {
                    "operationId": "presign",
                    "summary": "Ask for one URL",
                    "requestBody": _body(_ref("PresignRequest"), REQUEST_EXAMPLES),
                    "responses": _responses("A URL.", _ref("PresignedUrl"), URL_EXAMPLE, _PRESIGN_PROBLEMS),
                }
            },
            routes.BATCH.path: {
                "post": {
                    "operationId": "presignBatch",
                    "summary": "Ask for up to 1,000 URLs",
                    "description": "Each has its own result, in the same order; one that is refused fails no other.",
                    "requestBody": _body(_ref("BatchRequests"), {"all": {"requests": [*REQUEST_EXAMPLES.values()]}}),
                    "responses": _responses(
                        "A result for each request.",
                        _ref("BatchResults"),
                        {"results": [URL_EXAMPLE, {"problem": PROBLEM_EXAMPLE}]},
                        _BATCH_PROBLEMS,
                    ),
                }
            },
            routes.REVOKE.path: {
                "post": {
                    "operationId": "revoke",
                    "summary": "Take back the URL of a pre-authenticated request",
                    "description": "Only for the caller to whom the URL was given: the token must have the same `sub`.",
                    "requestBody": _body(_ref("Revocation"), {"one": REVOCATION_EXAMPLE}),
                    "responses": _responses("It is revoked.", _ref("Revoked"), REVOKED_EXAMPLE, _REVOKE_PROBLEMS),
                }
            },
            routes.LINK.path: {
                "get": _link("link", "Go to an object: a link that does not end"),
                "head": _link("linkHead", "Go to an object's headers"),
            },
            routes.DOCUMENT.path: {
                "get": {
                    "operationId": "openapi",
                    "summary": "This document",
                    "responses": _responses("The document.", {"type": "object"}, None, _COMMON_PROBLEMS),
                }
            },
        },
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            "schemas": _schemas(),
        },
    }


_COMMON_PROBLEMS: tuple[type[Problem], ...] = (
    problems.NotFound,
    problems.MethodNotAllowed,
    problems.NotConfigured,
    problems.InternalError,
)
_BATCH_PROBLEMS = (
    *_COMMON_PROBLEMS,
    problems.InvalidJson,
    problems.InvalidRequest,
    problems.AccessDenied,
    problems.PayloadTooLarge,
)
_LINK_PROBLEMS = (
    *_COMMON_PROBLEMS,
    problems.InvalidRequest,
    problems.AccessDenied,
    problems.LimitExceeded,
    problems.SecretUnavailable,
)
_REVOKE_PROBLEMS = (*_BATCH_PROBLEMS, problems.SecretUnavailable)
_PRESIGN_PROBLEMS = (
    *_BATCH_PROBLEMS,
    problems.LimitExceeded,
    problems.SecretUnavailable,
)


def _link(operation_id: str, summary: str) -> dict[str, Any]:
    """A redirect to the URL of a read, by rules with `via: s3`."""
    properties = msgspec.json.schema_components([GetObject], ref_template=_REF)[1][GetObject.__name__]
    _describe(properties, GetObject)
    redirect = {"description": "The URL of the object.", "headers": {"Location": {"schema": {"type": "string"}}}}
    responses = _responses("", {}, None, _LINK_PROBLEMS)
    responses.pop("200")
    return {
        "operationId": operation_id,
        "summary": summary,
        "parameters": [
            {
                "name": name,
                "in": "query",
                "required": name == "key",
                "description": properties["properties"][name]["description"],
                "schema": {"type": "string"},
            }
            for name in PARAMETERS
        ],
        "responses": {"302": redirect, **responses},
    }


def _schemas() -> dict[str, Any]:
    types: list[type] = [*OPERATIONS.values(), PresignedUrl, Revocation, Revoked, ProblemDetails]
    _, schemas = msgspec.json.schema_components(types, ref_template=_REF)
    for struct in (*types, problems.FieldError):
        _describe(schemas[struct.__name__], struct)
        _tell_defaults(schemas[struct.__name__])
    # A request that names no operation is a download.
    download = schemas[GetObject.__name__]
    download["required"] = [name for name in download["required"] if name != "operation"]
    download["properties"]["operation"]["enum"].append(None)
    requests = [_ref(operation.__name__) for operation in OPERATIONS.values()]
    schemas[ProblemDetails.__name__]["properties"]["code"]["enum"] = sorted(
        {
            problem.code
            for problem in vars(problems).values()
            if isinstance(problem, type) and issubclass(problem, Problem)
        }
    )
    return {
        "PresignRequest": {"oneOf": requests},
        "BatchRequests": _object(
            requests={
                "type": "array",
                "items": _ref("PresignRequest"),
                "minItems": 1,
                "maxItems": MAX_BATCH_REQUESTS,
            }
        ),
        "BatchResults": _object(
            results={
                "type": "array",
                "items": {"oneOf": [_ref("PresignedUrl"), _object(problem=_ref("ProblemDetails"))]},
            }
        ),
        "GatewayError": {
            **_object(code={"type": "integer"}, message={"type": "string"}),
            "description": "An error that API Gateway answers by itself.",
        },
        **dict(sorted(schemas.items())),
    }


def _describe(schema: dict[str, Any], struct: type) -> None:
    """Put what the docstrings of `struct` and its bases say where OpenAPI has it."""
    schema.pop("title", None)
    schema["description"] = (inspect.getdoc(struct) or "").partition("\n")[0]
    for base in struct.__mro__:
        for names, text in _documented_arguments(base):
            for name in names.split(", "):
                if name in schema["properties"]:
                    schema["properties"][name].setdefault("description", f"{text[0].upper()}{text[1:]}")


def _tell_defaults(schema: dict[str, Any]) -> None:
    """Say in the descriptions what it means to leave a member out.

    Generators of code take a member that has a `default` for one that is always there.
    """
    for member in schema["properties"].values():
        default = member.pop("default", None)
        if default is not None:
            member["description"] = f"{member.get('description', '')} Default: `{json.dumps(default)}`.".strip()


def _documented_arguments(struct: type) -> list[tuple[str, str]]:
    """The names and meanings in the section "Args" of a docstring."""
    section = inspect.cleandoc(struct.__dict__.get("__doc__") or "").partition("Args:\n")[2]
    unfolded = re.sub(r"\n {8}", " ", section)
    return re.findall(r"^ {4}([\w, ]+): (.+)$", unfolded, re.MULTILINE)


def _responses(
    description: str, schema: dict[str, Any], example: Any, raised: tuple[type[Problem], ...]
) -> dict[str, Any]:
    responses: dict[str, Any] = {"200": _response(description, {"application/json": schema}, example)}
    titles = {status: title for status, (title, _) in GATEWAY_ERRORS.items()}
    titles |= {problem.status: problem.title for problem in raised}
    for status, title in sorted(titles.items()):
        codes = [problem.code for problem in raised if problem.status == status]
        reasons = [f"`{code}`" for code in codes]
        content = {MEDIA_TYPE: _ref("ProblemDetails")} if codes else {}
        if status in GATEWAY_ERRORS or status in (404, 405):
            content["application/json"] = _ref("GatewayError")
        if status in GATEWAY_ERRORS:
            reasons.append(GATEWAY_ERRORS[status][1])
        responses[str(status)] = _response(f"{title}: {', or '.join(reasons)}.", content)
    return responses


def _response(description: str, content: dict[str, Any], example: Any = None) -> dict[str, Any]:
    examples = {} if example is None else {"example": example}
    return {
        "description": description,
        "content": {media_type: {"schema": schema, **examples} for media_type, schema in content.items()},
    }


def _body(schema: dict[str, Any], examples: dict[str, Any]) -> dict[str, Any]:
    named = {name: {"value": value} for name, value in examples.items()}
    return {"required": True, "content": {"application/json": {"schema": schema, "examples": named}}}


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _ref(name: str) -> dict[str, str]:
    return {"$ref": _REF.format(name=name)}


def text() -> str:
    """The document as it is kept in `openapi.json`."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(text(), end="")
