"""A run of `doctor`, on the tenancy of its tests, in which one thing is wrong."""

from __future__ import annotations

import io
import os
import re
import tempfile
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME

from deploy.doctor import report
from deploy.doctor.diagnosis import findings_of
from deploy.doctor.finding import Finding
from deploy.doctor.steps import STEPS
from support.oci_services import World

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "doctor.svg"
COLUMNS = 110
GATEWAY_URL = "https://gateway.example"

# The picture needs nothing of another host.
_foreign = re.compile(r"@font-face \{.*?\}|<!--.*?-->", re.DOTALL)


def draw() -> str:
    """The run as SVG; the same at any time."""
    console = Console(record=True, file=io.StringIO(), width=COLUMNS, force_terminal=True, highlight=False)
    with tempfile.TemporaryDirectory() as directory, World(Path(directory)) as world:
        os.environ["OCI_CLI_CONFIG_FILE"] = str(world.api_key.file)
        world.services.bucket["objectEventsEnabled"] = False
        found = findings_of(STEPS, world.tenancy())
        report.show([(step, _elsewhere(finding, world.gateway.url)) for step, finding in found], console)
    title = "python -m deploy doctor"
    svg = _foreign.sub("", console.export_svg(title=title, theme=SVG_EXPORT_THEME, unique_id="doctor"))
    return "\n".join(line.rstrip() for line in svg.splitlines() if line.strip()) + "\n"


def _elsewhere(finding: Finding, url: str) -> Finding:
    """The finding with an address of the documentation in place of one of this machine."""
    return replace(finding, text=finding.text.replace(url, GATEWAY_URL))
