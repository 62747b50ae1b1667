"""A Terraform provider with the schema of Oracle's, whose resources live in its memory.

`python stub.py SCHEMA`, where SCHEMA is the JSON of `schema.Schema`, serves until it is ended, and
prints how Terraform finds it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack
import tf.provider
from tf import runner
from tf.gen import tfplugin_pb2 as protocol
from tf.gen import tfplugin_pb2_grpc

from support.oci_provider.resources import UNKNOWN, NotFound, Resources

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


def _read(value: Any) -> Any:
    """A value that Terraform has sent."""
    if value.json:
        return json.loads(value.json)
    return msgpack.unpackb(value.msgpack, ext_hook=lambda *_: UNKNOWN, strict_map_key=False)


def _written(value: Any) -> Any:
    """A value for Terraform."""
    return protocol.DynamicValue(msgpack=msgpack.packb(value))


class Servicer(tfplugin_pb2_grpc.ProviderServicer):  # type: ignore[misc]
    """Answers Terraform's questions for the schema and the resources, and finds no configuration wrong."""

    def __init__(self, provider: Provider) -> None:
        self._schema = provider.schema
        self._resources = Resources(provider.schema)

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

    def UpgradeResourceState(self, request: Any, _context: Any) -> Any:  # noqa: N802
        """The state of an earlier version of the schema, which is the same one."""
        block = self._schema["resources"][request.type_name]
        state: dict[str, Any] = dict.fromkeys(block["attributes"])
        state |= {name: [] for name in block["blocks"]}
        state |= {name: value for name, value in json.loads(request.raw_state.json).items() if name in state}
        return protocol.UpgradeResourceState.Response(upgraded_state=_written(state))

    def PlanResourceChange(self, request: Any, _context: Any) -> Any:  # noqa: N802
        """The state that a change leads to."""
        prior, proposed = _read(request.prior_state), _read(request.proposed_new_state)
        planned, replacing = self._resources.plan(request.type_name, prior, proposed)
        steps = protocol.AttributePath.Step
        return protocol.PlanResourceChange.Response(
            planned_state=_written(planned),
            requires_replace=[protocol.AttributePath(steps=[steps(attribute_name=name)]) for name in replacing],
            legacy_type_system=True,
        )

    def ApplyResourceChange(self, request: Any, _context: Any) -> Any:  # noqa: N802
        """Make, change or delete a resource."""
        prior, planned = _read(request.prior_state), _read(request.planned_state)
        made = self._resources.apply(request.type_name, prior, planned)
        return protocol.ApplyResourceChange.Response(new_state=_written(made), legacy_type_system=True)

    def ReadResource(self, request: Any, _context: Any) -> Any:  # noqa: N802
        """The resource as it is."""
        found = self._resources.read(request.type_name, _read(request.current_state))
        return protocol.ReadResource.Response(new_state=_written(found))

    def ReadDataSource(self, request: Any, _context: Any) -> Any:  # noqa: N802
        """The answer of a data source."""
        response = protocol.ReadDataSource.Response()
        try:
            found = self._resources.look_up(request.type_name, _read(request.config))
        except NotFound as exc:
            response.diagnostics.add(severity=protocol.Diagnostic.ERROR, summary=str(exc))
        else:
            response.state.CopyFrom(_written(found))
        return response


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
