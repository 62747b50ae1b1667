"""Clients that are generated from the OpenAPI document compile, and get URLs from a system that runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from support.browsers import NODE_PROJECT, node_tools
from support.systems import Running

DOCUMENT = Path(__file__).parents[2] / "gateway/openapi.json"
TYPESCRIPT = """
import createClient from "openapi-fetch";
import type { components, paths } from "./api";

type PresignRequest = components["schemas"]["PresignRequest"];
export const upload: PresignRequest = { operation: "put_object", key: "a", content_length: 3, metadata: { b: "c" } };
// @ts-expect-error - an upload needs a key
export const incomplete: PresignRequest = { operation: "put_object" };
// @ts-expect-error - there is no such operation
export const unknown: PresignRequest = { operation: "fly", key: "a" };

declare const process: { argv: string[] };
const [, , baseUrl = "", token = ""] = process.argv;
const client = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });
const one = await client.POST("/v1/presign", { body: { key: "PresignedBlogTest.txt" } });
const url: string | undefined = one.data?.url;
const refused = await client.POST("/v1/presign", { body: { key: "../a" } });
const batch = await client.POST("/v1/presign/batch", { body: { requests: [{ key: "a" }, { key: "../a" }] } });
const kinds = batch.data?.results.map((result) => ("url" in result ? result.method : result.problem.code));
console.log(JSON.stringify({ url, code: refused.error?.code, kinds }));
"""
PYTHON = """
import json
import sys

from presign_api_client import AuthenticatedClient
from presign_api_client.api.default import presign, presign_batch
from presign_api_client.models import BatchRequests, GetObject, PresignedUrl, PutObject, PutObjectOperation

client = AuthenticatedClient(sys.argv[1], sys.argv[2])
one = presign.sync(client=client, body=GetObject(key="PresignedBlogTest.txt"))
refused = presign.sync(client=client, body=GetObject(key="../a"))
requests = [PutObject(operation=PutObjectOperation.PUT_OBJECT, key="a"), GetObject(key="../a")]
batch = presign_batch.sync(client=client, body=BatchRequests(requests=requests))
kinds = [result.method if isinstance(result, PresignedUrl) else result.problem.code for result in batch.results]
print(json.dumps({"url": one.url, "code": refused.code, "kinds": kinds}))
"""


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """The output of a command; the test fails if the command does."""
    done = subprocess.run(  # noqa: S603
        command,
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_openapi_typescript(running: Running, tmp_path: Path) -> None:
    tools = node_tools()
    generator = NODE_PROJECT / "openapi/node_modules/.bin/openapi-typescript"
    run(generator, DOCUMENT, "--output", "api.ts", cwd=tmp_path)
    (tmp_path / "app.ts").write_text(TYPESCRIPT, encoding="utf-8")
    (tmp_path / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    (tmp_path / "node_modules").symlink_to(NODE_PROJECT / "node_modules")
    options = ["--strict", "--target", "es2023", "--module", "esnext", "--moduleResolution", "bundler", "--types", ""]
    run(tools / "tsc", *options, "app.ts", cwd=tmp_path)
    printed = json.loads(run("node", "app.js", running.stack.url, running.stack.token(), cwd=tmp_path))
    assert requests.get(printed.pop("url"), timeout=10).content == b"Your presigned URL works!\n"
    assert printed == {"code": "invalid_request", "kinds": ["GET", "invalid_request"]}


@pytest.mark.slow
def test_openapi_python_client(running: Running, tmp_path: Path) -> None:
    generator = Path(sys.executable).with_name("openapi-python-client")
    path = f"{generator.parent}:{os.environ['PATH']}"  # It formats what it generates, by the ruff that it finds.
    run(generator, "generate", "--path", DOCUMENT, "--fail-on-warning", cwd=tmp_path, PATH=path)
    package = tmp_path / "presign-api-client"
    assert (package / "presign_api_client").is_dir()
    arguments = ("-c", PYTHON, running.stack.url, running.stack.token())
    printed = json.loads(run(sys.executable, *arguments, cwd=tmp_path, PYTHONPATH=str(package)))
    assert requests.get(printed.pop("url"), timeout=10).content == b"Your presigned URL works!\n"
    assert printed == {"code": "invalid_request", "kinds": ["PUT", "invalid_request"]}
