"""`python -m presign`: what an operator sees of a policy before it is deployed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.programs import argument, in_utf_8

ROOT = Path(__file__).resolve().parents[2]

POLICY = {
    "rules": [
        {"operations": ["read"], "bucket": "public", "prefix": ""},
        {"operations": ["write"], "bucket": "uploads", "prefix": "users/{sub}/", "max_content_length": 100},
        {"operations": ["*"], "bucket": "uploads", "prefix": "", "callers": ["invoke"]},
        {"operations": ["*"], "bucket": "uploads", "prefix": "", "when": {"groups": ["admin"]}, "max_expires_in": 60},
        {"operations": ["*"], "bucket": "{tenant}", "prefix": ""},
    ]
}
UPLOAD = {"operation": "put_object", "bucket": "uploads", "key": "users/alice/a", "content_length": 101}


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(POLICY), encoding="utf-8")
    return path


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command: list[str | bytes] = [sys.executable, "-m", "presign", *(argument(str(one)) for one in arguments)]
    return subprocess.run(  # noqa: S603 - our own command
        command, cwd=ROOT, env=in_utf_8(**environment), capture_output=True, encoding="utf-8", timeout=30, check=False
    )


def explain(policy: Path, request: Any, *options: str) -> tuple[int, list[str]]:
    path = policy.with_name("request.json")
    path.write_text(json.dumps(request), encoding="utf-8")
    done = run("explain", policy, path, *options)
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def test_a_terminal_that_lacks_a_letter(policy: Path) -> None:
    done = run("check", policy.rename(policy.with_name("ü.json")), PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\xfc.json: 5 rules without errors" in done.stdout


def test_a_policy_without_faults(policy: Path) -> None:
    done = run("check", policy)
    assert (done.returncode, done.stdout) == (0, f"{policy}: 5 rules without errors\n")


def test_a_policy_with_warnings(policy: Path) -> None:
    rule = {"operations": ["read"], "bucket": "public", "prefix": "a/*"}
    policy.write_text(json.dumps({"rules": [*POLICY["rules"], rule]}), encoding="utf-8")
    for options, status in (((), 0), (("--strict",), 1)):
        done = run("check", policy, *options)
        assert (done.returncode, done.stdout) == (status, f"{policy}: 6 rules without errors, 2 warnings\n")
        assert done.stderr.splitlines() == [
            f"{policy}: warning: /rules/5/prefix: has an asterisk, which stands for itself: "
            "a prefix is for all keys that begin with it",
            f"{policy}: warning: /rules/5: never decides, as rule 0 grants all that it could grant",
        ]


def test_a_policy_without_warnings_is_fine_for_strict_too(policy: Path) -> None:
    done = run("check", "--strict", policy)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_byte_order_mark_is_skipped(policy: Path) -> None:
    policy.write_text("\ufeff" + json.dumps(POLICY), encoding="utf-8")
    assert run("check", policy).returncode == 0


def test_every_fault_of_a_policy(policy: Path) -> None:
    policy.write_text(
        json.dumps({"rules": [{"operations": ["fly"], "bucket": "b", "prefix": "{sub}"}]}), encoding="utf-8"
    )
    done = run("check", policy)
    assert done.returncode == 1
    assert [line.partition(": must")[0] for line in done.stderr.splitlines()] == [
        f"{policy}: /rules/0/operations/0",
        f"{policy}: /rules/0/prefix",
    ]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    done = run("check", tmp_path / "none.json")
    assert done.returncode == 1
    assert "No such file" in done.stderr
    assert "Traceback" not in done.stderr


def test_why_no_rule_grants_a_request(policy: Path) -> None:
    assert explain(policy, UPLOAD, "--claim", "sub=alice") == (
        1,
        [
            "rule 0: does not grant it: the rule does not list this operation",
            "rule 1: does not grant it: /content_length: must be at most 100",
            "rule 2: does not grant it: the rule does not list this way of calling",
            "rule 3: does not grant it: the claim groups is missing or has none of the rule's values",
            "rule 4: does not grant it: the rule's bucket needs a claim that is missing or can't be part of a name",
            "refused",
        ],
    )


@pytest.mark.parametrize(
    ("source_bucket", "told", "decision", "status"),
    [
        ("public", "grants it for 3600 seconds", "granted", 0),
        ("secret", "does not grant it: the rule is for another bucket", "refused", 1),
    ],
)
def test_a_copy_needs_a_grant_for_its_source(
    policy: Path, source_bucket: str, told: str, decision: str, status: int
) -> None:
    target = {"operations": ["copy_object"], "bucket": "uploads", "prefix": ""}
    policy.write_text(json.dumps({"rules": [POLICY["rules"][0], target]}), encoding="utf-8")
    copy = {"operation": "copy_object", "bucket": "uploads", "key": "a"}
    assert explain(policy, {**copy, "source_bucket": source_bucket, "source_key": "b"}) == (
        status,
        [
            "rule 0: does not grant it: the rule does not list this operation",
            "rule 1: grants it for 3600 seconds",
            f"for the source, rule 0: {told}",
            "for the source, rule 1: does not grant it: the rule does not list this operation",
            decision,
        ],
    )


def test_which_rule_grants_a_request(policy: Path) -> None:
    status, lines = explain(
        policy, UPLOAD, "--claim", "sub=bob", "--claim", "groups=admin", "--claim", "tenant=uploads"
    )
    assert status == 0
    assert lines[1:] == [
        "rule 1: does not grant it: the key does not begin with the rule's prefix",
        "rule 2: does not grant it: the rule does not list this way of calling",
        "rule 3: grants it for 60 seconds",
        "rule 4: would grant it, but an earlier rule decides",
        "granted",
    ]


def test_a_direct_invocation(policy: Path) -> None:
    status, lines = explain(policy, {"key": "a"}, "--caller", "invoke", "--default-bucket", "uploads")
    assert (status, lines[2]) == (0, "rule 2: grants it for 3600 seconds")


def test_a_request_with_faults(policy: Path) -> None:
    path = policy.with_name("request.json")
    path.write_text('{"key": "../a"}', encoding="utf-8")
    done = run("explain", policy, path)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"{path}: /key: must not have a '.' or '..' segment",
        f"{path}: /bucket: is required, as there is no default bucket",
    ]


class TestClaims:
    """They are those that the function would get."""

    def test_the_case_of_a_name_does_not_count(self, policy: Path) -> None:
        lines = explain(policy, {**UPLOAD, "content_length": 100}, "--claim", "Sub=alice")[1]
        assert lines[1] == "rule 1: grants it for 3600 seconds"

    @pytest.mark.parametrize(
        ("options", "told"),
        [
            (["--claim", "sub"], "'sub' is not NAME=VALUE"),
            (["--claim", "sub="], "'sub=' is not NAME=VALUE"),
            (["--claim", "=alice"], "'=alice' is not NAME=VALUE"),
            (["--claim", "sub=\u00fc"], "'sub=\u00fc' is not printable ASCII, so the function ignores it"),
            (["--caller", "invoke", "--claim", "sub=alice"], "a direct invocation has no claims"),
            (
                ["--claim", "groups=a", "--claim", "Groups=b"],
                "a claim can be given once; put spaces between its values",
            ),
        ],
    )
    def test_one_that_it_would_not_get(self, policy: Path, options: list[str], told: str) -> None:
        request = policy.with_name("request.json")
        request.write_text(json.dumps(UPLOAD), encoding="utf-8")
        done = run("explain", policy, request, *options)
        assert (done.returncode, done.stdout) == (2, "")
        assert told in done.stderr
