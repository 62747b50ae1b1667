"""The programs that make a release, and what else its bytes depend on."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
import zlib
from collections.abc import Iterator

from deploy import package

PROGRAMS = {"git": "git", "node": "npm", "npm": "npm", "mvn": "maven", "javac": "default-jdk-headless"}
"""The Debian package of each program."""


def missing() -> Iterator[str]:
    """A sentence for each thing that is not as it must be."""
    for program, source in PROGRAMS.items():
        if shutil.which(program) is None:
            yield f"There is no {program}: apt-get install {source}"
    if not package.is_runtime():
        yield (
            f"A release is made on Linux on x86-64 by CPython {package.RUNTIME_PYTHON}, whose bytecode it has; this is"
            f" {platform.python_implementation()} {platform.python_version()} on {sys.platform}, {platform.machine()}."
        )


def versions() -> str:
    """The versions that the bytes depend on, as words."""
    own = f"CPython {platform.python_version()}, zlib {zlib.ZLIB_RUNTIME_VERSION}"
    others = [("Node", "node"), ("npm", "npm"), ("Maven", "mvn"), ("JDK", "javac")]
    return ", ".join([own, *(f"{name} {_version(program)}" for name, program in others)])


def _version(program: str) -> str:
    done = subprocess.run([program, "--version"], capture_output=True, encoding="utf-8", check=True)  # noqa: S603
    return str(re.findall(r"\d[\w.+-]*", re.sub(r"\x1b\[\d*m", "", done.stdout))[0])
