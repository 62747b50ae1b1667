"""`python -m deploy.package DIRECTORY` makes what the image holds: `DIRECTORY/function` and `DIRECTORY/python`.

The requirements are installed, the function does all it can on them, and what it did not use for that, nor could ever
import, is removed. The rest is compiled to bytecode. Then the function does the same once more on what is left.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from py_compile import PycInvalidationMode

from deploy.imports import closure

ROOT = Path(__file__).resolve().parent.parent
FUNCTION = ("func.py", "presign", "gateway/openapi.json", "policy*.json")
"""What the function is made of; a policy file lies at the top."""

OPTIONAL = ("pkcs11",)
"""Packages that the SDK imports only if they are there: for keys in hardware, of which a function has none."""

STOCK_ENTRY_POINT = "bin/fdk"
SOURCES = (".c", ".h", ".pxd", ".pyi", ".pyx")
"""Endings of what no Python program reads: sources of extension modules, and type stubs."""


class BuildFailed(Exception):
    """The image can't be made, or would not work."""


def install(requirements: Path, packages: Path) -> None:
    """Install what the function needs into the folder `packages`."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    _run([*command, "--require-hashes", "--target", str(packages), "--requirement", str(requirements)])
    for name in OPTIONAL:
        shutil.rmtree(packages / name, ignore_errors=True)


def copy_function(function: Path) -> None:
    """Copy the function itself into the folder `function`."""
    for pattern in FUNCTION:
        for source in ROOT.glob(pattern):
            target = function / source.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)


def exercise(directory: Path) -> tuple[set[Path], set[Path]]:
    """The files of the packages in `directory` that the function uses: its modules, and all that it opened.

    Raises:
        BuildFailed: it does not do what it should; a module may be missing.
    """
    packages = directory / "python"
    python_path = os.pathsep.join([str(directory / "function"), str(packages)])
    environment = {"PYTHONPATH": python_path, "PATH": os.environ.get("PATH", "")}
    # Without the packages that are installed for this Python, and leaving no bytecode behind.
    command = [_python(), "-S", "-s", "-B", str(Path(__file__).with_name("exercise.py"))]
    used = json.loads(_run(command, environment=environment))

    def below(names: list[str]) -> set[Path]:
        return {path for path in map(Path, names) if path.is_relative_to(packages) and path.is_file()}

    return below(used["modules"]), below(used["opened"])


def kept_files(packages: Path, *, modules: set[Path], opened: set[Path]) -> set[Path]:
    """What of `packages` must stay: what was used, what may be imported later, and the data of packages that stay.

    Data lies beside the modules that read it, such as the certificates that OpenSSL reads by itself. That of a folder
    without a module, such as botocore's of each service, stays if it was opened.
    """
    code = closure(modules, root=packages)
    folders = {module.parent for module in code} - {packages}
    data = {file for folder in folders for file in folder.iterdir() if file.is_file() and _is_data(file)}
    libraries = {file for folder in packages.glob("*.libs") for file in folder.iterdir()}
    return {*code, *opened, *data, *libraries, packages / STOCK_ENTRY_POINT}


def prune(packages: Path, kept: set[Path]) -> None:
    """Remove all but the files that are `kept`."""
    for file in _files(packages):
        if file not in kept:
            file.unlink()
    for folder, _, _ in os.walk(packages, topdown=False):
        if not any(Path(folder).iterdir()):
            Path(folder).rmdir()


def compile_all(directory: Path) -> None:
    """Compile everything to bytecode that Python uses without looking at the sources."""
    compiled = compileall.compile_dir(directory, quiet=1, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
    if not compiled:
        raise BuildFailed("Not everything could be compiled.")


def size(directory: Path) -> int:
    """Bytes of all files below `directory`."""
    return sum(file.stat().st_size for file in _files(directory))


def build(directory: Path, *, requirements: Path) -> None:
    """Make the image's contents in `directory`, which must not exist yet.

    Raises:
        BuildFailed: what is made does not work.
    """
    packages = directory / "python"
    packages.mkdir(parents=True)
    install(requirements, packages)
    copy_function(directory / "function")
    installed = size(packages)
    modules, opened = exercise(directory)
    prune(packages, kept_files(packages, modules=modules, opened=opened))
    missing = modules - exercise(directory)[0]
    if missing:
        raise BuildFailed(f"Of what is left, these can't be imported: {', '.join(map(str, sorted(missing)))}")
    compile_all(directory)
    print(f"Installed {installed / 1e6:.1f} MB, kept {size(packages) / 1e6:.1f} MB of them, with their bytecode.")


def _is_data(file: Path) -> bool:
    return file.suffix not in (".py", ".so", *SOURCES)


def _files(directory: Path) -> Iterator[Path]:
    return (Path(folder, name) for folder, _, names in os.walk(directory) for name in names)


def _python() -> str:
    """This Python without its virtual environment."""
    return str(Path(sys.base_exec_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}"))


def _run(command: list[str], *, environment: dict[str, str] | None = None) -> str:
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if ended.returncode:
        raise BuildFailed(f"{' '.join(command)} ended with status {ended.returncode}:\n{ended.stdout}{ended.stderr}")
    return ended.stdout


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `python -m deploy package`."""
    parser.add_argument("directory", type=Path, help="is made, and must not exist yet")
    parser.add_argument("--requirements", type=Path, default=ROOT / "requirements.txt")


def run(arguments: argparse.Namespace) -> int:
    """Make the package.

    Returns:
        The exit status.
    """
    try:
        build(arguments.directory.resolve(), requirements=arguments.requirements)
    except (BuildFailed, FileExistsError) as exc:
        print(exc, file=sys.stderr)
        return 1
    return 0
