"""`python -m presign` tests a policy before it is deployed.

`check FILE` lists every fault of its rules. `explain FILE REQUEST` tells which rule decides on a request, and why each
other one does not.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from presign.policy import Identity, Policy, Reason, Rule, parse_rules
from presign.problems import FieldError, Problem
from presign.request.model import MAX_EXPIRES_IN, Operation
from presign.request.parser import RequestParser
from presign.settings import DEFAULT_EXPIRES_IN


def main() -> int:
    """Do what the command line says.

    Returns:
        The exit status: 0 for a policy without faults and a request that is granted, 1 for others.
    """
    arguments = _parser().parse_args()
    try:
        rules, faults = parse_rules(arguments.policy.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as exc:
        return _tell_faults(arguments.policy, [FieldError("", str(exc))])
    if faults:
        return _tell_faults(arguments.policy, faults)
    if arguments.command == "check":
        print(f"{arguments.policy}: {len(rules)} rules without faults")
        return 0
    return _explain(rules, arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m presign", description="Tests a policy.")
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="list every fault of a policy")
    explain = commands.add_parser(
        "explain", help="tell which rule decides on a request, and why each other one does not"
    )
    for command in (check, explain):
        command.add_argument("policy", type=Path, help="the JSON file with the rules")
    explain.add_argument("request", type=Path, help="a JSON file, the body of a request")
    explain.add_argument("--caller", choices=("gateway", "invoke"), default="gateway", help="default: %(default)s")
    explain.add_argument("--claim", action="append", default=[], metavar="NAME=VALUE", help="of the caller's token")
    explain.add_argument("--default-bucket", metavar="BUCKET", help="as the setting DEFAULT_BUCKET")
    return parser


def _explain(rules: list[Rule], arguments: argparse.Namespace) -> int:
    parser = RequestParser(default_bucket=arguments.default_bucket, max_expires_in=MAX_EXPIRES_IN, virtual_hosted=False)
    try:
        asked = parser.parse(arguments.request.read_bytes())
    except (OSError, Problem) as exc:
        return _tell_faults(arguments.request, getattr(exc, "errors", None) or [FieldError("", str(exc))])
    claims = dict(claim.partition("=")[::2] for claim in arguments.claim)
    outcomes = Policy(rules, default_expires_in=DEFAULT_EXPIRES_IN).explain(asked, Identity(arguments.caller, claims))
    granted = False
    for index, outcome in enumerate(outcomes):
        print(f"rule {index}: {_sentence(outcome, decides=not granted)}")
        granted = granted or isinstance(outcome, Operation)
    print("granted" if granted else "refused")
    return 0 if granted else 1


def _sentence(outcome: Operation | Reason, *, decides: bool) -> str:
    if isinstance(outcome, Reason):
        return f"does not grant it: {outcome}"
    if not decides:
        return "would grant it, but an earlier rule decides"
    return f"grants it for {outcome.expires_in} seconds"


def _tell_faults(path: Path, faults: list[FieldError]) -> int:
    for fault in faults:
        print(f"{path}: {fault}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
