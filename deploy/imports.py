"""What code that is imported could still import: the imports inside its functions, and so on."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path


def closure(imported: Iterable[Path], *, root: Path) -> set[Path]:
    """The files of all modules below `root` that may be imported once those that are `imported` have been.

    The code of an imported module outside its functions has run, so what it did not import it never will. What runs
    later are its functions; and of a module that they import, everything.

    Args:
        imported: files of modules below `root`.
        root: a folder of `sys.path`.
    """
    imported = set(imported)
    found = set(imported)
    waiting = list(imported)
    while waiting:
        module = waiting.pop()
        if module.suffix != ".py":
            continue
        for name in _names(module, root, functions_only=module in imported):
            new = set(_files(name, root)) - found
            found |= new
            waiting += new
    return found


def _names(module: Path, root: Path, *, functions_only: bool) -> Iterator[str]:
    """The names that `module` imports; of `from a import b`, both `a` and `a.b`, as `b` may be a module."""
    package = module.relative_to(root).parent.parts
    for node in _statements(ast.parse(module.read_bytes()), inside=not functions_only):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [*package[: len(package) - node.level + 1]] if node.level else []
            base += node.module.split(".") if node.module else []
            yield ".".join(base)
            yield from (".".join([*base, alias.name]) for alias in node.names)


def _statements(node: ast.AST, *, inside: bool) -> Iterator[ast.AST]:
    """The nodes below `node`; those outside functions only if it is `inside` one, or to be taken as such."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and _is_for_type_checkers(child.test):
            continue
        if inside:
            yield child
        yield from _statements(child, inside=inside or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef))


def _is_for_type_checkers(test: ast.expr) -> bool:
    return ast.unparse(test).rpartition(".")[2] == "TYPE_CHECKING"


def _files(name: str, root: Path) -> Iterator[Path]:
    """The files that importing `name` loads, those of its packages included, as far as they are below `root`."""
    folder = root
    for part in name.split("."):
        for file in (folder / part / "__init__.py", *(folder / f"{part}{end}" for end in (".py", *EXTENSION_SUFFIXES))):
            if file.is_file():
                yield file
        folder /= part
