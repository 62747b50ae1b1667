"""schemathesis makes requests from the OpenAPI document and looks for an answer that the document does not list."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from support.programs import in_utf_8
from support.systems import Running

ROOT = Path(__file__).resolve().parents[2]


def run(
    running: Running, directory: Path, *options: str, headers: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run schemathesis, which leaves files in `directory`."""
    command: list[str | Path] = [
        *(Path(sys.executable).with_name("schemathesis"), "--no-color"),
        *("--config-file", ROOT / "tests/schemathesis.toml", "run", ROOT / "gateway/openapi.json"),
        *("--url", running.stack.url),
        # The document can't express every rule for keys and header values, so a request that fits it may be refused.
        *("--exclude-checks", "positive_data_acceptance", "--generation-database", "none", *options),
        *(part for name, value in headers.items() for part in ("--header", f"{name}: {value}")),
    ]
    return subprocess.run(  # noqa: S603
        command, cwd=directory, env=in_utf_8(), capture_output=True, encoding="utf-8", timeout=300, check=False
    )


@pytest.mark.slow
def test_every_answer_is_in_the_document(running: Running, tmp_path: Path) -> None:
    done = run(running, tmp_path, "--max-examples", "20", "--seed", "20261124", headers=running.authorization())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Tested: 6" in done.stdout
    assert "Authentication failed" not in done.stdout


def test_it_would_find_an_error(running: Running, tmp_path: Path) -> None:
    """Without a token the function is never reached, and schemathesis tells."""
    done = run(running, tmp_path, "--phases", "examples", headers={})
    assert "Authentication failed: 3 operations returned only 401/403 responses" in done.stdout
