"""The Kotlin compiler that PyPI's kotlin-jupyter-kernel holds, and Debian's org.json."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path

from support.browsers import cannot_run

ORG_JSON = Path("/usr/share/java/com.android.json.jar")
_COMPILER = "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler"


class Kotlin:
    """Compiles and runs Kotlin; the test is skipped if a tool for it is missing, and fails with CI=true."""

    def __init__(self) -> None:
        kernel = importlib.util.find_spec("run_kotlin_kernel")
        wanted = {
            "java": shutil.which("java"),
            "kotlin-jupyter-kernel (pip)": kernel,
            "libandroid-json-java (apt-get)": ORG_JSON.exists(),
        }
        if missing := [name for name, found in wanted.items() if not found]:
            cannot_run(f"needs {', '.join(missing)}")
        assert kernel is not None and kernel.origin is not None
        self._java = shutil.which("java") or ""
        jars = Path(kernel.origin).parent / "jars"
        [self._compiler] = jars.glob("kotlin-jupyter-kernel-*-all.jar")
        [self._library] = jars.glob("kotlin-stdlib-*.jar")

    def compile(self, sources: list[Path], classes: Path) -> None:
        """Compile the sources; a warning is an error."""
        compiler = [self._java, "-cp", f"{self._compiler}:{self._library}", _COMPILER]
        options = ["-Werror", "-no-reflect", "-no-stdlib", "-cp", f"{self._library}:{ORG_JSON}", "-d", str(classes)]
        done = subprocess.run([*compiler, *options, *sources], capture_output=True, encoding="utf-8", timeout=600)  # noqa: S603
        assert (done.returncode, done.stderr) == (0, "")

    def command(self, classes: Path, name: str) -> list[str]:
        """The beginning of the command that runs a class."""
        return [self._java, "-cp", f"{classes}:{self._library}:{ORG_JSON}", name]
