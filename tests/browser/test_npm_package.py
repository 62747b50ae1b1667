"""The npm package that `make clients` makes of `clients/js/src` works from a bundler, in TypeScript, and in Node."""

from __future__ import annotations

import hashlib
import json
import random
import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
import requests

from deploy.archives import extract
from local.stack import BUCKET
from support.browsers import NODE_PROJECT, node_tools
from support.python_clients import UNKNOWN_HOST
from support.systems import Running

pytestmark = pytest.mark.needs("node", "npm")

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "clients/js/src"
IMPORTED = re.compile(r'(?:from |import\()"\./(\w+)\.js"')
TYPED = """
import { PAUSE, PresignClient, PresignError } from "presign-client";
import type { Progress, StoredObject, UploadOptions } from "presign-client";

const files = new PresignClient({ endpoint: "https://a/v1/presign", getToken: () => "token", via: "par" });
const show = ({ loaded, total, fraction }: Progress): number => fraction ?? loaded / total;
export async function use(file: File, controller: AbortController): Promise<string> {
  const stored: StoredObject = await files.upload(file, "a", { onProgress: show, signal: controller.signal });
  const options: UploadOptions = { integrity: true, createOnly: true, cacheControl: "no-cache", contentType: "a/b" };
  await files.upload(new Blob(["x"]), stored.key, { ...options, metadata: { size: `${stored.size} ${stored.etag}` } });
  const keys: readonly string[] = ["a", "b"];
  for (const one of await files.links(keys)) console.log(one instanceof PresignError ? one.code : one.url);
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
const stored = await files.upload(new File([bytes], "script.bin"), key, { onProgress, integrity: true });
const result = [stored.key, stored.size, typeof stored.etag];
const found = [];
for await (const object of files.list(key.slice(0, key.lastIndexOf("/") + 1))) found.push(object.key);
const answer = await fetch(await files.link(key));
const size = await files.size(key);
const code = await files.link("../x").catch((error) => error instanceof PresignError && error.code);
const same = Buffer.compare(Buffer.from(await answer.arrayBuffer()), bytes);
console.log(JSON.stringify({ last, result, found, size, same, code }));
"""


def run(*command: str | Path, cwd: Path = NODE_PROJECT) -> str:
    """The output of a command; the test fails if the command does."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, encoding="utf-8", check=False)  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


UNKNOWN_HOST_SCRIPT = """
import { PresignClient } from "presign-client";

const pauses = [];
const { setTimeout } = globalThis;
globalThis.setTimeout = (action, milliseconds) => {
  // Others are deadlines, and those of fetch itself.
  if (![500, 1000, 2000, 4000, 8000].includes(milliseconds)) return setTimeout(action, milliseconds);
  pauses.push(milliseconds);
  return setTimeout(action, 0);
};
const files = new PresignClient({ endpoint: `https://${process.argv[2]}/v1/presign`, getToken: () => "token" });
files.link("a").catch(({ code, message }) => console.log(JSON.stringify({ code, message, pauses })));
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the package is installed. Its path has what paths may have."""
    folder = tmp_path_factory.mktemp("project") / "ü & b"
    node_tools()
    run("make", "clients", f"DIST={folder}", cwd=ROOT)
    (packed,) = json.loads(run("npm", "pack", "--json", "--pack-destination", folder, cwd=folder / "js"))
    with tarfile.open(folder / packed["filename"]) as archive:
        extract(archive, folder)
    (folder / "node_modules").mkdir()
    (folder / "package").rename(folder / "node_modules/presign-client")
    (folder / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    return folder


def test_the_package_has_the_module_its_types_and_a_page_only(project: Path) -> None:
    files = sorted(path.name for path in (project / "node_modules/presign-client").iterdir())
    assert files == ["LICENSE", "README.md", "package.json", "presign.d.ts", "presign.js"]
    manifest = json.loads((project / "node_modules/presign-client/package.json").read_text("utf-8"))
    assert "dependencies" not in manifest


def test_no_module_imports_itself_by_a_detour() -> None:
    """Imports for types count too."""
    graph = {path.stem: IMPORTED.findall(path.read_text("utf-8")) for path in SOURCES.glob("*.js")}
    assert set(graph["client"]) > {"api", "listing", "upload"}
    assert list(TopologicalSorter(graph).static_order())[-1] == "index"


def test_the_module_can_be_built_in_any_folder(tmp_path: Path) -> None:
    """Paths may have spaces and letters that URLs write in another way."""
    folder = tmp_path / "ü & b"
    shutil.copytree(ROOT / "clients/js", folder / "clients/js")
    run(node_tools() / "rollup", "--silent", "--config", "clients/js/rollup.config.mjs", "--dir", "out", cwd=folder)
    assert [path.name for path in (folder / "out").iterdir()] == ["presign.js"]


def test_a_bundler_finds_it(project: Path) -> None:
    (project / "page.js").write_text(
        'import { PresignClient } from "presign-client"; console.log(PresignClient.name);', encoding="utf-8"
    )
    run(node_tools() / "esbuild", "page.js", "--bundle", "--minify-syntax", "--outfile=bundle.js", cwd=project)
    assert run("node", project / "bundle.js") == "PresignClient\n"


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
    printed = json.loads(run("node", project / "script.js", endpoint, running.stack.token(), key, cwd=project))
    assert printed == {
        "last": {"loaded": 20 * 2**20, "total": 20 * 2**20, "fraction": 1, "waiting": False},
        "result": [key, 20 * 2**20, "string"],
        "found": [key],
        "size": 20 * 2**20,
        "same": 0,
        "code": "invalid_request",
    }
    url = running.ask(key=key).json()["url"]
    assert requests.get(url, timeout=10).content == b"\7" * 20 * 2**20


def test_a_host_that_has_no_address_is_soon_given_up(project: Path) -> None:
    """Its name may be wrong. Four pauses are enough for a machine that is offline for some seconds."""
    (project / "unknown.js").write_text(UNKNOWN_HOST_SCRIPT, encoding="utf-8")
    printed = json.loads(run("node", project / "unknown.js", UNKNOWN_HOST, cwd=project))
    assert printed == {
        "code": "connection_failed",
        "message": "The connection to the API failed (ENOTFOUND).",
        "pauses": [500, 1000, 2000, 4000],
    }


def test_its_md5_is_that_of_rfc_1321(tmp_path: Path) -> None:
    """The lengths are those around the ends of a block, and of the pieces in which a file is read."""
    lengths = [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000, 2**20 - 1, 2**20, 2**20 + 57]
    contents = [random.Random(length).randbytes(length) for length in lengths]  # noqa: S311 - nothing secret
    for length, content in zip(lengths, contents, strict=True):
        (tmp_path / str(length)).write_bytes(content)
    script = f"""
        import {{ readFile }} from "node:fs/promises";
        import {{ hex, md5 }} from {json.dumps((SOURCES / "digest.js").as_uri())};
        for (const path of process.argv.slice(1)) console.log(hex(await md5(new Blob([await readFile(path)]))));
    """
    paths = [tmp_path / str(length) for length in lengths]
    printed = run("node", "--input-type=module", "--eval", script, *paths)
    assert printed.split() == [hashlib.md5(content, usedforsecurity=False).hexdigest() for content in contents]
