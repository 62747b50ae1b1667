"""`python -m tools.release.build DIRECTORY` makes the files of a release, of the folder that it runs in."""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from deploy import archives, package, stack
from tools.release import stamp, toolchain
from tools.release.sbom import sbom

ROOT = Path(__file__).resolve().parents[2]
SUMS = "SHA256SUMS"
FUNCTION = "presign-function.zip"
STACK = "presign-stack.zip"

_value = re.compile(r"\{\{(\w+)\}\}")


def function(out: Path, scratch: Path) -> None:
    """The function's archive, and the list of what is in it."""
    kept = package.build(scratch / "package", requirements=ROOT / "requirements.txt")
    archives.write_archive(scratch / "package", out / FUNCTION)
    time = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), UTC)
    text = sbom(kept, version=stamp.version(), sha256=_sha256(out / FUNCTION), time=time)
    (out / "presign-function.cdx.json").write_text(text, "utf-8")


def resource_manager(out: Path, scratch: Path) -> None:
    """The stack for Resource Manager, with the function in it."""
    stack.build(scratch / "stack", archive=out / FUNCTION)
    stack.pack(scratch / "stack", out / STACK)


def javascript(out: Path, scratch: Path, *, node_modules: Path) -> None:
    """The npm package, and its one file for pages without a bundler."""
    browser = Path("tests", "browser")
    (ROOT / browser / "node_modules").symlink_to(node_modules)
    # They are those of the lock file, which is newer here, but no other.
    _run("make", "--silent", f"--old-file={browser / 'package-lock.json'}", "clients", f"DIST={scratch}", cwd=ROOT)
    _run("npm", "pack", "--silent", "--pack-destination", str(out), cwd=scratch / "js")
    shutil.copy(scratch / "js" / "presign.js", out)


def python(out: Path, scratch: Path) -> None:
    """The wheel and the source distribution of the Python client."""
    project = ROOT / "clients" / "python"
    shutil.copy(ROOT / "LICENSE", project)
    command = [str(Path(sys.executable).with_name("uv")), "build", "--quiet", "--no-build-isolation", "--no-config"]
    _run(*command, "--python", sys.executable, "--out-dir", str(scratch / "python"), cwd=project)
    for file in (scratch / "python").glob("presign_client-*"):
        shutil.copy(file, out)


def kotlin(out: Path) -> None:
    """The JAR of the Kotlin client, and its POM."""
    project = ROOT / "clients" / "kotlin"
    command = ("mvn", "--batch-mode", "--quiet", "--no-transfer-progress", "-Dmaven.test.skip=true", "package")
    _run(*command, cwd=project)
    name = f"presign-client-{stamp.version()}"
    shutil.copy(project / "target" / f"{name}.jar", out)
    shutil.copy(project / "pom.xml", out / f"{name}.pom")


def swift(out: Path) -> None:
    """The Swift package, in a folder of its name."""
    project = ROOT / "clients" / "swift"
    shutil.copy(ROOT / "LICENSE", project)
    files = {f"PresignClient/{file.relative_to(project).as_posix()}": file for file in archives.files_of(project)}
    archives.write_zip(out / f"PresignClient-{stamp.version()}.zip", files)


def note(out: Path, *, commit: str) -> None:
    """The note on what is what."""
    values = {"commit": commit, "tools": toolchain.versions(), "version": stamp.version()}
    text = (ROOT / "tools" / "release" / "note.md").read_text("utf-8")
    (out / "README.md").write_text(_value.sub(lambda found: values[found[1]], text), "utf-8")


def sums(out: Path) -> None:
    """The digests of all files, as `sha256sum` writes them."""
    lines = [f"{_sha256(file)}  {file.name}\n" for file in sorted(out.iterdir())]
    (out / SUMS).write_text("".join(lines), "utf-8")


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _run(*command: str, cwd: Path) -> None:
    ended = subprocess.run(command, cwd=cwd, capture_output=True, encoding="utf-8", check=False)  # noqa: S603
    if ended.returncode:
        raise archives.BuildFailed(f"{' '.join(command)}:\n{ended.stdout}{ended.stderr}")


def main() -> int:
    """Make them.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m tools.release.build")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--commit", required=True)
    parser.add_argument(
        "--node", type=Path, required=True, help="the folder of the npm packages that build the JavaScript"
    )
    arguments = parser.parse_args()
    out: Path = arguments.directory
    out.mkdir()
    try:
        with tempfile.TemporaryDirectory(prefix="build-") as temporary:
            scratch = Path(temporary)
            function(out, scratch)
            resource_manager(out, scratch)
            javascript(out, scratch, node_modules=arguments.node)
            python(out, scratch)
            kotlin(out)
            swift(out)
    except archives.BuildFailed as exc:
        print(exc, file=sys.stderr)
        return 1
    shutil.copy(ROOT / "gateway" / "openapi.json", out)
    shutil.copy(ROOT / "LICENSE", out)
    note(out, commit=arguments.commit)
    sums(out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
