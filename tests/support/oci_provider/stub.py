"""A Terraform provider that has a schema and no resources, so that Terraform can check files and mock the rest.

`python stub.py SCHEMA`, where SCHEMA is the JSON of `schema.Schema`, serves until it is ended, and
prints how Terraform finds it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tf.provider
from tf import runner
from tf.gen import tfplugin_pb2 as protocol
from tf.gen import tfplugin_pb2_grpc

_NESTING = {"list": protocol.Schema.NestedBlock.LIST, "set": protocol.Schema.NestedBlock.SET}


def schema(block: dict[str, Any]) -> Any:
    """A block as the plugin protocol has it."""
    return protocol.Schema(version=0, block=_block(block))


def _block(block: dict[str, Any]) -> Any:
    message = protocol.Schema.Block()
    for name, attribute in sorted(block["attributes"].items()):
        message.attributes.add(
            name=name,
            type=json.dumps(attribute["type"]).encode(),
            required=attribute["required"],
            optional=attribute["optional"],
            computed=not attribute["required"],
        )
    for name, nested in sorted(block["blocks"].items()):
        added = message.block_types.add(
            type_name=name, nesting=_NESTING[nested["nesting"]], min_items=nested["least"], max_items=nested["most"]
        )
        added.block.CopyFrom(_block(nested["block"]))
    return message


def _empty(call: Any) -> Callable[[Any, Any, Any], Any]:
    """Answers a call with an empty response, which has no errors."""
    return lambda _self, _request, _context: call.Response()


class Servicer(tfplugin_pb2_grpc.ProviderServicer):  # type: ignore[misc]
    """Answers Terraform's questions for the schema, and finds nothing wrong with any configuration."""

    def __init__(self, provider: Provider) -> None:
        self._schema = provider.schema

    def GetProviderSchema(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        """The schema of everything."""
        return protocol.GetProviderSchema.Response(
            provider=schema(self._schema["provider"]),
            resource_schemas={name: schema(block) for name, block in self._schema["resources"].items()},
            data_source_schemas={name: schema(block) for name, block in self._schema["data_sources"].items()},
        )

    def GetMetadata(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        """The names of everything."""
        metadata = protocol.GetMetadata
        return metadata.Response(
            resources=[metadata.ResourceMetadata(type_name=name) for name in self._schema["resources"]],
            data_sources=[metadata.DataSourceMetadata(type_name=name) for name in self._schema["data_sources"]],
        )

    ValidateProviderConfig = _empty(protocol.ValidateProviderConfig)
    ValidateResourceConfig = _empty(protocol.ValidateResourceConfig)
    ValidateDataResourceConfig = _empty(protocol.ValidateDataResourceConfig)
    ConfigureProvider = _empty(protocol.ConfigureProvider)
    StopProvider = _empty(protocol.StopProvider)


class Provider:
    """The provider's address, schema and service, as the runner asks for them."""

    def __init__(self, path: Path) -> None:
        self.schema = json.loads(path.read_text("utf-8"))

    def full_name(self) -> str:
        """The provider's address."""
        return "registry.terraform.io/oracle/oci"


if __name__ == "__main__":
    tf.provider.ProviderServicer = Servicer
    runner.run_provider(Provider(Path(sys.argv[1])), [sys.argv[0], "--dev"])
