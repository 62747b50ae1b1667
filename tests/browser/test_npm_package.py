"""`clients/js` as an npm package: what `npm pack` makes works from a bundler, in TypeScript, and in Node."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from conftest import Running
from local.stack import BUCKET
from support.browsers import NODE_PROJECT, cannot_run, node_tools

CLIENT = Path(__file__).parents[2] / "clients/js"
TYPED = """
import { PAUSE, PresignClient, PresignError, type Progress } from "presign-client";

const files = new PresignClient({ endpoint: "https://a/v1/presign", getToken: () => "token", via: "par" });
const show = ({ loaded, total }: Progress): number => loaded / total;
export async function use(file: File, controller: AbortController): Promise<string> {
  await files.upload(file, "a", { onProgress: show, signal: controller.signal, integrity: true });
  controller.abort(PAUSE);
  for await (const { key, size } of files.list("a/")) console.log(key.length + size);
  const { url, bucket, id } = await files.share("a", { expiresIn: 60 });
  await files.revoke({ bucket, id }).catch((error: PresignError) => console.log(error.code, error.errors[0].pointer));
  return url;
}
"""
SCRIPT = """
import { PresignClient, PresignError } from "presign-client";

const [, , endpoint, token, key] = process.argv;
const files = new PresignClient({ endpoint, getToken: () => token });
const bytes = new Uint8Array(20 * 2 ** 20).fill(7);
let last;
const onProgress = (progress) => (last = progress);
await files.upload(new File([bytes], "script.bin"), key, { onProgress, integrity: true });
const found = [];
for await (const object of files.list(key.slice(0, key.lastIndexOf("/") + 1))) found.push(object.key);
const answer = await fetch(await files.link(key));
const size = await files.size(key);
const code = await files.link("../x").catch((error) => error instanceof PresignError && error.code);
const same = Buffer.compare(Buffer.from(await answer.arrayBuffer()), bytes);
console.log(JSON.stringify({ last, found, size, same, code }));
"""


def run(*command: str | Path, cwd: Path = NODE_PROJECT) -> str:
    """The output of a command; the test fails if the command does."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, encoding="utf-8", check=False)  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        cannot_run(f"there is no {name}: apt-get install npm")
    return path


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the package is installed."""
    folder = tmp_path_factory.mktemp("project")
    (packed,) = json.loads(run(program("npm"), "pack", "--json", "--pack-destination", folder, cwd=CLIENT))
    with tarfile.open(folder / packed["filename"]) as archive:
        archive.extractall(folder, filter="data")
    (folder / "node_modules").mkdir()
    (folder / "package").rename(folder / "node_modules/presign-client")
    (folder / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    return folder


def test_the_package_has_the_module_and_its_types_only(project: Path) -> None:
    files = sorted(path.name for path in (project / "node_modules/presign-client").iterdir())
    assert files == ["package.json", "presign.d.ts", "presign.js"]
    assert "dependencies" not in json.loads((CLIENT / "package.json").read_text(encoding="utf-8"))


def test_the_module_is_made_from_the_sources(tmp_path: Path) -> None:
    """`npm --prefix tests/browser run build` makes it."""
    made = tmp_path / "presign.js"
    run(node_tools() / "rollup", "--silent", "--config", CLIENT / "rollup.config.mjs", "--file", made)
    assert (CLIENT / "presign.js").read_text(encoding="utf-8") == made.read_text(encoding="utf-8")


def test_the_types_are_made_from_the_module(tmp_path: Path) -> None:
    run(node_tools() / "tsc", "--project", CLIENT, "--outDir", tmp_path)
    assert (CLIENT / "presign.d.ts").read_text(encoding="utf-8") == (tmp_path / "presign.d.ts").read_text(
        encoding="utf-8"
    )


def test_a_bundler_finds_it(project: Path) -> None:
    (project / "page.js").write_text(
        'import { PresignClient } from "presign-client"; console.log(PresignClient.name);', encoding="utf-8"
    )
    run(node_tools() / "esbuild", "page.js", "--bundle", "--minify-syntax", "--outfile=bundle.js", cwd=project)
    assert run(program("node"), project / "bundle.js") == "PresignClient\n"


def test_typescript_knows_its_types(project: Path) -> None:
    (project / "typed.ts").write_text(TYPED, encoding="utf-8")
    options = ["--noEmit", "--strict", "--target", "es2023", "--module", "nodenext", "--types", ""]
    run(node_tools() / "tsc", *options, project / "typed.ts", cwd=project)


@pytest.mark.parametrize("via", ["s3", "par"])
def test_a_script_in_node(project: Path, start: Callable[..., Running], via: str) -> None:
    """No store needs CORS headers there."""
    running = start(
        {"POLICY": json.dumps({"rules": [{"operations": ["*"], "bucket": BUCKET, "prefix": "", "via": via}]})}
    )
    (project / "script.js").write_text(SCRIPT, encoding="utf-8")
    endpoint, key = f"{running.stack.url}/v1/presign", f"scripts/{via}/script.bin"
    printed = json.loads(run(program("node"), project / "script.js", endpoint, running.stack.token(), key, cwd=project))
    assert printed == {
        "last": {"loaded": 20 * 2**20, "total": 20 * 2**20, "waiting": False},
        "found": [key],
        "size": 20 * 2**20,
        "same": 0,
        "code": "invalid_request",
    }
    url = running.ask(key=key).json()["url"]
    assert requests.get(url, timeout=10).content == b"\7" * 20 * 2**20


def test_its_md5_is_that_of_rfc_1321(tmp_path: Path) -> None:
    """The lengths are those around the ends of a block, and of the pieces in which a file is read."""
    lengths = [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000, 2**20 - 1, 2**20, 2**20 + 57]
    contents = [random.Random(length).randbytes(length) for length in lengths]  # noqa: S311 - nothing secret
    for length, content in zip(lengths, contents, strict=True):
        (tmp_path / str(length)).write_bytes(content)
    script = f"""
        import {{ readFile }} from "node:fs/promises";
        import {{ hex, md5 }} from {json.dumps((CLIENT / "src/digest.js").as_uri())};
        for (const path of process.argv.slice(1)) console.log(hex(await md5(new Blob([await readFile(path)]))));
    """
    paths = [tmp_path / str(length) for length in lengths]
    printed = run(program("node"), "--input-type=module", "--eval", script, *paths)
    assert printed.split() == [hashlib.md5(content, usedforsecurity=False).hexdigest() for content in contents]
