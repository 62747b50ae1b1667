"""The layout of the project: its modules import each other in one direction, and those of `presign/` stay small."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = (".ci", "clients/python", "deploy", "func.py", "gateway", "local", "presign", "tests", "tools")

LAYERS = (
    ("func",),
    ("presign.app",),
    ("presign.calls",),
    ("presign.assembly", "presign.settings"),
    ("presign.read", "presign.authorize", "presign.issue", "presign.record"),
    ("presign.services",),
    ("presign.model",),
    ("presign.problems", "presign.logs"),
)
"""The rooms of the function, from the entry down: each imports only from those below it."""

STEPS = LAYERS[4]
SDKS = {"boto3", "botocore", "fdk", "oci"}
WITHOUT_SDK = ("presign.model", "presign.read", "presign.authorize")
MAX_MODULE_LINES = 230
MAX_FUNCTION_LINES = 40
FITTING = ("func", "presign", "local", "tools")
"""Where no function is longer than a screen."""


@cache
def modules() -> dict[str, Path]:
    """All Python files of the project, by the names by which they are imported."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    # The deepest first, as a file below tests/ is imported from there.
    roots = sorted((ROOT / path for path in settings["tool"]["pytest"]["ini_options"]["pythonpath"]), reverse=True)
    found = {}
    for source in SOURCES:
        for file in (ROOT / source).rglob("*.py") if (ROOT / source).is_dir() else [ROOT / source]:
            if "node_modules" not in file.parts:
                root = next(root for root in roots if file.is_relative_to(root))
                parts = file.relative_to(root).with_suffix("").parts
                found[".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)] = file
    return found


@cache
def parsed(file: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(file.read_text("utf-8"))


def imported(name: str, file: Path) -> Iterator[str]:
    """All names that a module imports: at its top, in functions, and for types only."""
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = name.split(".") if file.name == "__init__.py" else name.split(".")[:-1]
            above = package[: len(package) - node.level + 1] if node.level else []
            start = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{start}.{alias.name}" for alias in node.names)


def graph(files: dict[str, Path]) -> dict[str, set[str]]:
    """For each module, the others of the project that it imports."""
    return {
        name: {target for text in imported(name, file) if (target := _module_of(text, files))} - {name}
        for name, file in files.items()
    }


def _module_of(name: str, files: dict[str, Path]) -> str | None:
    """The module that an imported name is, or that has it; None if it is of another project."""
    if name in files:
        return name
    parent = name.rpartition(".")[0]
    return parent if parent in files else None


def _room(name: str) -> str | None:
    rooms = [room for layer in LAYERS for room in layer]
    return next((room for room in rooms if name == room or name.startswith(f"{room}.")), None)


def upward(edges: Iterable[tuple[str, str]]) -> list[str]:
    """The imports that do not lead down from layer to layer, or lead from one step to another."""
    layer_of = {room: number for number, layer in enumerate(LAYERS) for room in layer}
    wrong = []
    for source, target in edges:
        here, there = _room(source), _room(target)
        if here is None or there is None or here == there:
            continue
        is_beside = layer_of[here] == layer_of[there] and here not in STEPS
        if layer_of[there] <= layer_of[here] and not is_beside:
            wrong.append(f"{source} imports {target}")
    return wrong


def test_no_circle_of_imports() -> None:
    try:
        TopologicalSorter(graph(modules())).prepare()
    except CycleError as exc:
        pytest.fail(" <- ".join(exc.args[1]))


@pytest.mark.parametrize(
    "text",
    [
        "import rooms.b",
        "from rooms import b",
        "from rooms.b import anything",
        "from . import b",
        "from .b import anything",
        "def later():\n    import rooms.b",
        "if TYPE_CHECKING:\n    from rooms.b import Type",
    ],
)
def test_a_circle_is_seen_in_every_kind_of_import(tmp_path: Path, text: str) -> None:
    files = {f"rooms.{name}": tmp_path / f"{name}.py" for name in ("a", "b")}
    files["rooms.a"].write_text(text, "utf-8")
    files["rooms.b"].write_text("import rooms.a", "utf-8")
    assert graph(files) == {"rooms.a": {"rooms.b"}, "rooms.b": {"rooms.a"}}
    with pytest.raises(CycleError):
        TopologicalSorter(graph(files)).prepare()


def test_imports_of_the_function_lead_down() -> None:
    assert upward((name, target) for name, targets in graph(modules()).items() for target in sorted(targets)) == []


def test_an_import_that_leads_up_is_seen() -> None:
    assert upward([("presign.app", "presign.calls.presign"), ("presign.assembly", "presign.settings")]) == []
    assert upward(
        [
            ("presign.model.request", "presign.services.client"),
            ("presign.read.parser", "presign.authorize.rules"),
            ("presign.services.key", "func"),
        ]
    ) == [
        "presign.model.request imports presign.services.client",
        "presign.read.parser imports presign.authorize.rules",
        "presign.services.key imports func",
    ]


def test_every_module_of_the_function_is_in_a_room() -> None:
    outside = {name for name in modules() if name.split(".")[0] == "presign" and _room(name) is None}
    assert outside == {"presign", "presign.__main__"}


def test_no_sdk_where_requests_are_read_and_authorized() -> None:
    found = {
        f"{name} imports {text}"
        for name, file in modules().items()
        if _room(name) in WITHOUT_SDK
        for text in imported(name, file)
        if text.split(".")[0] in SDKS
    }
    assert found == set()


def test_no_module_of_the_function_is_long() -> None:
    lines = {name: len(file.read_text("utf-8").splitlines()) for name, file in _of_function()}
    assert {name: count for name, count in lines.items() if count > MAX_MODULE_LINES} == {}


def test_every_function_fits_a_screen() -> None:
    lines = {
        f"{name}:{node.lineno} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for name, file in modules().items()
        if name.split(".")[0] in FITTING
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {place: count for place, count in lines.items() if count > MAX_FUNCTION_LINES} == {}


def _of_function() -> list[tuple[str, Path]]:
    return [(name, file) for name, file in modules().items() if name.split(".")[0] in ("func", "presign")]
