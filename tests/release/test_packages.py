"""Each package installs from a release alone, by the lines of its note, and asks the function for a URL."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import pytest
import requests
from playwright.sync_api import Browser

from local.stack import CONTENT, OBJECT
from support.browsers import node_tools, open_page, wait_for
from support.clones import run
from support.pages import blocks
from support.sites import site
from support.swift import swift
from support.systems import Running

pytestmark = pytest.mark.slow

MAIN_TS = """
import { clientOf } from "./client";

const { endpoint, token, key } = JSON.parse(decodeURIComponent(location.hash.slice(1)));
document.body.textContent = await clientOf(endpoint, token).link(key);
"""
VITE_CONFIG = 'export default { build: { target: "es2022" } };'
TYPESCRIPT = ("--noEmit", "--strict", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler")
POM = """<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>app</groupId>
  <artifactId>app</artifactId>
  <version>1</version>
  <properties>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
    <kotlin.compiler.daemon>false</kotlin.compiler.daemon>
  </properties>
  <dependencies>
    DEPENDENCY
  </dependencies>
  <build>
    <sourceDirectory>src</sourceDirectory>
    <plugins>
      <plugin>
        <groupId>org.jetbrains.kotlin</groupId>
        <artifactId>kotlin-maven-plugin</artifactId>
        <version>2.0.21</version>
        <executions>
          <execution>
            <goals>
              <goal>compile</goal>
            </goals>
          </execution>
        </executions>
      </plugin>
      <plugin>
        <groupId>org.codehaus.mojo</groupId>
        <artifactId>exec-maven-plugin</artifactId>
        <version>3.6.3</version>
        <configuration>
          <mainClass>MainKt</mainClass>
        </configuration>
      </plugin>
    </plugins>
  </build>
</project>
"""
MAIN_KT = """
fun main() {
    val environment = System.getenv()
    val files = clientOf(environment.getValue("PRESIGN_ENDPOINT"), environment.getValue("PRESIGN_TOKEN"))
    println(files.share(environment.getValue("PRESIGN_KEY")).url)
}
"""
PACKAGE_SWIFT = """// swift-tools-version:5.9
import PackageDescription

let package = Package(
    name: "App",
    DEPENDENCIES
    targets: [.executableTarget(name: "App", dependencies: ["PresignClient"])]
)
"""
MAIN_SWIFT = """
import Foundation
import PresignClient

let environment = ProcessInfo.processInfo.environment
let token = environment["PRESIGN_TOKEN"]!
let files = try PresignClient(endpoint: URL(string: environment["PRESIGN_ENDPOINT"]!)!) { _ in token }
print(try await files.share(environment["PRESIGN_KEY"]!).url.absoluteString)
"""


@pytest.fixture
def folder(dist: Path, tmp_path: Path) -> Path:
    """A folder with the files of the release."""
    return shutil.copytree(dist, tmp_path / "app")


@pytest.fixture
def variables(running: Running) -> dict[str, str]:
    """The variables that name the function, a token, and an object."""
    return {
        "PRESIGN_ENDPOINT": f"{running.stack.url}/v1/presign",
        "PRESIGN_TOKEN": running.stack.token(),
        "PRESIGN_KEY": OBJECT,
    }


def lines(folder: Path, heading: str, language: str = "console") -> str:
    """The block of one language in a section of the note; of a console, what is typed."""
    note = (folder / "README.md").read_text("utf-8")
    [section] = re.findall(rf"(?ms)^### {heading}.*?\n(.*?)(?=^##|\Z)", note)
    [block] = blocks(section, language)
    return "".join(re.findall(r"(?m)^\$ (.*\n)", block)) if language == "console" else block


def shell(folder: Path, script: str, variables: Mapping[str, str]) -> str:
    """The output of the lines of a console."""
    return run("sh", "-euc", script, cwd=folder, variables=variables)


def has_content(printed: str) -> bool:
    """Whether the one presigned URL that was printed gives the object."""
    [url] = re.findall(r"https?://\S+&X-Amz-Signature=[0-9a-f]+", printed)
    return requests.get(url, timeout=30).content == CONTENT


def test_python(folder: Path, variables: dict[str, str]) -> None:
    script = lines(folder, "Python")
    script = script.replace("https://<gateway>/presigner/v1/presign", variables["PRESIGN_ENDPOINT"])
    script = script.replace("<token>", variables["PRESIGN_TOKEN"])
    own = os.pathsep.join([str(Path(sys.base_exec_prefix, "bin")), os.environ["PATH"]])
    assert has_content(shell(folder, script, {"PATH": own}))


@pytest.mark.needs("npm")
def test_typescript_and_vite(folder: Path, variables: dict[str, str], browser: Browser) -> None:
    tools = node_tools()
    (folder / "package.json").write_text('{"private": true, "type": "module"}', "utf-8")
    (folder / "index.html").write_text('<script type="module" src="/main.ts"></script>', "utf-8")
    (folder / "vite.config.js").write_text(VITE_CONFIG, "utf-8")
    (folder / "main.ts").write_text(MAIN_TS, "utf-8")
    (folder / "client.ts").write_text(lines(folder, "JavaScript and TypeScript", "ts"), "utf-8")
    shell(folder, lines(folder, "JavaScript and TypeScript"), {})
    run(tools / "tsc", *TYPESCRIPT, "main.ts", cwd=folder)
    run(tools / "vite", "build", "--outDir", "site", cwd=folder)
    types = {".html": "text/html", ".js": "text/javascript"}
    served = {
        f"/{file.relative_to(folder / 'site').as_posix()}": (file.read_bytes(), types[file.suffix])
        for file in (folder / "site").rglob("*.*")
    }
    values = {"endpoint": variables["PRESIGN_ENDPOINT"], "token": variables["PRESIGN_TOKEN"], "key": OBJECT}
    with site(served) as url:
        page = open_page(browser, f"{url}/index.html#{quote(json.dumps(values))}")
        wait_for(page, lambda: page.inner_text("body").startswith("http"))
        assert has_content(page.inner_text("body"))


@pytest.mark.needs("node", "npm")
def test_a_script_without_a_bundler(folder: Path, variables: dict[str, str]) -> None:
    """By the one file; and by the package, in a CommonJS script."""
    use = """
        const { PRESIGN_ENDPOINT: endpoint, PRESIGN_TOKEN: token, PRESIGN_KEY: key } = process.env;
        new PresignClient({ endpoint, getToken: () => token }).link(key).then(console.log);
    """
    (folder / "script.mjs").write_text(f'import {{ PresignClient }} from "./presign.js";{use}', "utf-8")
    assert has_content(run("node", "script.mjs", cwd=folder, variables=variables))
    shell(folder, lines(folder, "JavaScript and TypeScript"), {})
    loaded = f'import("presign-client").then(({{ PresignClient }}) => {{{use}}});'
    (folder / "script.cjs").write_text(loaded, "utf-8")
    assert has_content(run("node", "script.cjs", cwd=folder, variables=variables))


@pytest.mark.needs("mvn", "javac")
def test_kotlin_and_maven(folder: Path, variables: dict[str, str], tmp_path: Path) -> None:
    (folder / "pom.xml").write_text(POM.replace("DEPENDENCY", lines(folder, "Kotlin", "xml")), "utf-8")
    (folder / "src").mkdir()
    (folder / "src" / "Main.kt").write_text(lines(folder, "Kotlin", "kotlin") + MAIN_KT, "utf-8")
    # The packages of other people are this machine's; ours must be none that it has from before.
    repository, own = tmp_path / "repository", Path.home() / ".m2" / "repository"
    repository.mkdir()
    for other in own.iterdir() if own.exists() else ():
        if other.name != "presign":
            (repository / other.name).symlink_to(other)
    maven = {**variables, "MAVEN_OPTS": f"-Dmaven.repo.local={repository}"}
    shell(folder, lines(folder, "Kotlin"), maven)
    command = ("mvn", "--batch-mode", "--quiet", "--no-transfer-progress", "compile", "exec:java")
    assert has_content(run(*command, cwd=folder, variables=maven))


@pytest.mark.needs("unzip")
def test_swift_by_path(folder: Path, variables: dict[str, str]) -> None:
    shell(folder, lines(folder, "Swift"), {})
    app = folder / "App"
    (app / "Sources" / "App").mkdir(parents=True)
    (folder / "PresignClient").rename(app / "PresignClient")
    (app / "Package.swift").write_text(PACKAGE_SWIFT.replace("DEPENDENCIES", lines(folder, "Swift", "swift")), "utf-8")
    (app / "Sources" / "App" / "main.swift").write_text(MAIN_SWIFT, "utf-8")
    assert has_content(swift(app, "run", "--quiet", "App", variables=variables))
