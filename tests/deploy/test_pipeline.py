"""The example of a pipeline calls targets of make that exist, with variables that they read."""

from __future__ import annotations

import re
import subprocess

import pytest
import yaml

from deploy.environment import ROOT

EXAMPLE = yaml.safe_load((ROOT / "environments" / "github-actions.yml").read_text("utf-8"))


def test_pull_requests_plan_and_main_is_deployed() -> None:
    commands = {
        name: [step["run"] for step in job["steps"] if step.get("run", "").startswith("make ")]
        for name, job in EXAMPLE["jobs"].items()
    }
    assert commands == {"plan": ["make plan"], "deploy": ["make deploy"]}
    conditions = {name: job["if"] for name, job in EXAMPLE["jobs"].items()}
    assert conditions == {
        "plan": "github.event_name == 'pull_request'",
        "deploy": "github.event_name == 'push'",
    }


def test_nobody_is_asked_in_a_deploy() -> None:
    [step] = [step for step in EXAMPLE["jobs"]["deploy"]["steps"] if step.get("run") == "make deploy"]
    assert step["env"] == {"AUTO_APPROVE": "1"}


@pytest.mark.needs("make")
@pytest.mark.parametrize(
    ("target", "variables", "command"),
    [
        ("plan", {"ENV": "staging"}, 'deploy plan --env "staging"'),
        ("plan", {"POLICY": "p.json"}, 'deploy plan --env "production" --policy "p.json"'),
        ("deploy", {"AUTO_APPROVE": "1"}, 'deploy apply --env "production" --auto-approve'),
        ("deploy", {"AUTO_APPROVE": "0"}, 'deploy apply --env "production"'),
        ("destroy", {"AUTO_APPROVE": "false"}, 'deploy destroy --env "production"'),
        ("deploy", {"CONFIRM": "delete-vault"}, 'deploy apply --env "production" --confirm "delete-vault"'),
        ("deploy", {"ARCHIVE": "a.zip"}, 'deploy apply --env "production" --archive "a.zip"'),
        ("rotate", {}, 'deploy rotate --env "production"'),
        ("rotate", {"SECRET": "gateway"}, 'deploy rotate --env "production" --secret "gateway"'),
        ("destroy", {"ENV": "staging"}, 'deploy destroy --env "staging"'),
        ("doctor", {"ENV": "staging"}, 'deploy doctor --env "staging"'),
        ("preflight", {}, 'deploy preflight --env "production"'),
    ],
)
def test_make_passes_variables_on(target: str, variables: dict[str, str], command: str) -> None:
    given = [f"{name}={value}" for name, value in variables.items()]
    done = subprocess.run(  # noqa: S603
        ["make", "--dry-run", target, *given],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    assert command in [" ".join(line.split()[2:]) for line in done.stdout.splitlines() if " -m deploy " in line]


def test_what_takes_time_comes_after_the_preflight() -> None:
    rules = (ROOT / "deploy" / "deploy.mk").read_text("utf-8")
    first = dict(re.findall(r"(?m)^(plan|deploy|rotate|destroy): (\w+)", rules))
    assert first == dict.fromkeys(("plan", "deploy", "rotate", "destroy"), "preflight")
