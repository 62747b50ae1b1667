"""`gateway/openapi.json`: valid, and in step with the code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import requests
from openapi_spec_validator import validate

from gateway import openapi
from presign.model.operations import OPERATIONS
from presign.read.routes import HTTP_ROUTES
from support.systems import Running

PATH = Path(openapi.__file__).with_name("openapi.json")
DOCUMENT = json.loads(PATH.read_text("utf-8"))


def validator(name: str) -> jsonschema_rs.Draft202012Validator:
    """Checks JSON against a schema of the document."""
    return jsonschema_rs.Draft202012Validator({"$ref": f"#/components/schemas/{name}", **DOCUMENT})


def test_it_is_what_the_code_gives() -> None:
    """If not: `make openapi`."""
    assert PATH.read_text("utf-8") == openapi.text()


def test_it_is_valid() -> None:
    validate(DOCUMENT)


def test_it_is_served(running: Running) -> None:
    response = requests.get(f"{running.stack.url}/v1/openapi.json", headers=running.authorization(), timeout=10)
    assert response.status_code == 200
    assert response.json() == DOCUMENT


def test_every_path_and_every_operation_is_there() -> None:
    assert {route.path: {method.lower() for method in route.methods} for route in HTTP_ROUTES} == {
        path: set(item) for path, item in DOCUMENT["paths"].items()
    }
    requests_ = DOCUMENT["components"]["schemas"]["PresignRequest"]["oneOf"]
    assert [one["$ref"].rpartition("/")[2] for one in requests_] == [kind.__name__ for kind in OPERATIONS.values()]


def test_every_member_of_a_request_is_described() -> None:
    for kind in OPERATIONS.values():
        for name, schema in DOCUMENT["components"]["schemas"][kind.__name__]["properties"].items():
            assert name == "operation" or schema.get("description"), (kind, name)


def test_what_may_be_left_out_has_no_default() -> None:
    """Generators of code take it for a member that is always there."""
    for name, schema in DOCUMENT["components"]["schemas"].items():
        for member, details in schema.get("properties", {}).items():
            assert "default" not in details, (name, member)


def test_defaults_are_told_in_words() -> None:
    told = DOCUMENT["components"]["schemas"]["CopyObject"]["properties"]
    assert told["cors"]["description"].endswith(" Default: `false`.")
    assert told["metadata_directive"]["description"].endswith(' Default: `"COPY"`.')


@pytest.mark.parametrize("name", openapi.REQUEST_EXAMPLES)
def test_the_examples_are_requests_that_get_what_the_document_says(running: Running, name: str) -> None:
    example: dict[str, Any] = openapi.REQUEST_EXAMPLES[name]
    validator("PresignRequest").validate(example)
    answer = running.ask(**{**example, "bucket": None}).json()
    validator("PresignedUrl").validate(answer)


def test_a_problem_is_as_the_document_says(running: Running) -> None:
    validator("ProblemDetails").validate(running.ask(key="../a").json())
