"""`python -m deploy package` makes the package that is deployed: the function, and the used parts of its libraries.

`DIRECTORY/function` and `DIRECTORY/python` go into the image as they are. `--zip FILE` is the archive of a code-only
function: the same two folders, and the handler is `func.handler`. The standard library and pip suffice for both.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from deploy import distributions
from deploy.archives import POLICIES, BuildFailed, files_of, write_archive

ROOT = Path(__file__).resolve().parent.parent
FUNCTION = ("func.py", "presign", "gateway/openapi.json")

KEPT = (
    # boto3, the second signer, and its libraries; of the 400 services that it describes only S3
    *("boto3/**/*.py", "botocore/**/*.py", "botocore/data/*.json", "botocore/data/s3", "dateutil/**/*.py"),
    *("jmespath", "s3transfer", "six.py", "urllib3"),
    # the SDK of OCI; of its 150 services those that the function asks, and those that they import
    *("oci/*.py", "oci/_vendor", "oci/auth", "oci/circuit_breaker", "oci/dns", "oci/object_storage", "oci/ons"),
    *("oci/pagination", "oci/queue", "oci/retry", "oci/secrets", "oci/work_requests"),
    *("_cffi_backend*", "certifi/*", "circuitbreaker.py", "crc32c", "cryptography", "jwt", "pytz/*.py"),
    # the FDK, and the parsers of HTTP and JSON
    *("bin/fdk", "fdk/*.py", "fdk/async_http", "fdk/scripts", "httptools", "msgspec"),
)
"""The files that stay of the packages: paths and patterns below the folder that they are installed in."""

SOURCES = (".c", ".h", ".pxd", ".pyi", ".pyx", ".typed")
"""Endings of files that no Python program reads: sources of extension modules, and files for type checkers."""

RUNTIME_PYTHON = os.environ.get("RUNTIME_PYTHON", "3.11")
"""The version of Python that the function runs on. The image, the tests, and `make` take the same variable."""

RUNTIME = (
    *("--only-binary", ":all:", "--implementation", "cp", "--python-version", RUNTIME_PYTHON),
    *("--platform", "manylinux_2_28_x86_64", "--platform", "manylinux2014_x86_64"),
)
"""pip's options for the runtime of a code-only function: CPython on Oracle Linux 9, on x86-64."""


def build(
    directory: Path, *, requirements: Path, policy: Path | None = None, cross: bool = False
) -> list[distributions.Distribution]:
    """Make the package in `directory`, which must not exist yet, and try it.

    Args:
        directory: gets the folders `function` and `python`.
        requirements: the file that pip installs the packages from.
        policy: becomes `policy.json`, in the place of the policy files at the top.
        cross: whether it is for the runtime of OCI Functions though this machine is another kind. It can't be tried
            here then, and has no bytecode.

    Returns:
        The distributions of which a file is in the package.

    Raises:
        BuildFailed: the package does not work, or the policy has errors.
    """
    packages = directory / "python"
    packages.mkdir(parents=True)
    copy_function(directory / "function", policy=policy)
    _install(requirements, packages, RUNTIME if cross else ())
    installed = size(packages)
    recorded = distributions.installed(packages)
    keep(packages)
    kept = distributions.kept(recorded, packages)
    if cross:
        print(f"This is no Linux on x86-64 with CPython {RUNTIME_PYTHON}, so the package was not tried here.")
    else:
        _compile(directory)
        smoke_test(directory)
    print(f"Installed {installed / 1e6:.1f} MB, kept {size(packages) / 1e6:.1f} MB of them.")
    return kept


def is_runtime() -> bool:
    """Whether this Python is of the kind that runs code-only functions."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    kind = (sys.platform, platform.machine(), sys.implementation.name, version)
    return kind == ("linux", "x86_64", "cpython", RUNTIME_PYTHON)


def copy_function(function: Path, *, policy: Path | None = None) -> None:
    """Copy the function itself into the folder `function`."""
    for pattern in FUNCTION if policy else (*FUNCTION, POLICIES):
        for source in ROOT.glob(pattern):
            target = function / source.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
    if policy:
        shutil.copy(policy, function / "policy.json")


def keep(packages: Path) -> None:
    """Remove all files of the packages that the function has no use for."""
    kept = {path for pattern in KEPT for path in packages.glob(pattern)}
    for file in [*files_of(packages)]:
        if file.suffix in SOURCES or not kept.intersection((file, *file.parents)):
            file.unlink()
    for folder, _, _ in os.walk(packages, topdown=False):
        if not any(Path(folder).iterdir()):
            Path(folder).rmdir()


def smoke_test(directory: Path) -> None:
    """Let the function of the package answer with these packages alone.

    Raises:
        BuildFailed: it does not answer as it should; a module may be missing.
    """
    _bare_python(directory, str(Path(__file__).with_name("smoke.py")))
    for policy in sorted((directory / "function").glob(POLICIES)):
        _bare_python(directory, "-m", "presign", "check", str(policy))


def size(directory: Path) -> int:
    """Bytes of all files below `directory`."""
    return sum(file.stat().st_size for file in files_of(directory))


def _install(requirements: Path, packages: Path, options: Sequence[str]) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    _run([*command, *options, "--require-hashes", "--target", str(packages), "--requirement", str(requirements)])


def _compile(directory: Path) -> None:
    """Compile everything to bytecode that Python uses without looking at the sources.

    Of the packages only the bytecode stays, without docstrings: it is half as large, and a traceback still has the
    lines' numbers. Each file names itself in its bytecode by its path below `directory`, which makes the bytes the
    same everywhere.
    """
    options = ("-q", "--invalidation-mode", "unchecked-hash", "-s", str(directory), "-p", "/")
    command = [_python(), "-I", "-m", "compileall", *options]
    _run([*command, str(directory / "function")])
    _run([*command, "-b", "-o", "2", str(directory / "python")])
    for source in (directory / "python").rglob("*.py"):
        source.unlink()


def _bare_python(directory: Path, *arguments: str) -> None:
    """Run Python on the package alone, without leaving bytecode behind."""
    python_path = os.pathsep.join(str(directory / name) for name in ("function", "python"))
    environment = {"PYTHONPATH": python_path, "PATH": os.environ.get("PATH", "")}
    _run([_python(), "-S", "-s", "-B", *arguments], environment=environment)


def _python() -> str:
    """This Python without its virtual environment."""
    return str(Path(sys.base_exec_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}"))


def _run(command: list[str], *, environment: dict[str, str] | None = None) -> None:
    ended = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=False)  # noqa: S603
    if ended.returncode:
        raise BuildFailed(f"{' '.join(command)} ended with status {ended.returncode}:\n{ended.stdout}{ended.stderr}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `python -m deploy package`."""
    parser.add_argument("directory", type=Path, nargs="?", help="is made, and must not exist yet")
    parser.add_argument("--zip", type=Path, metavar="FILE", help="the archive of a code-only function")
    parser.add_argument(
        "--policy", type=Path, metavar="FILE", help="deployed as policy.json; POLICY is file:policy.json"
    )
    parser.add_argument("--requirements", type=Path, default=ROOT / "requirements.txt")


def run(arguments: argparse.Namespace) -> int:
    """Make the package.

    Returns:
        The exit status.
    """
    if not (arguments.directory or arguments.zip):
        print("Name a DIRECTORY, or an archive with --zip FILE.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="package-") as temporary:
        directory = (arguments.directory or Path(temporary, "package")).resolve()
        try:
            cross = bool(arguments.zip) and not is_runtime()
            build(directory, requirements=arguments.requirements, policy=arguments.policy, cross=cross)
            if arguments.zip:
                write_archive(directory, arguments.zip)
        except (BuildFailed, FileExistsError, FileNotFoundError) as exc:
            print(exc, file=sys.stderr)
            return 1
    return 0
