"""`python -m presign` tests a policy before it is deployed.

`check FILE` lists the errors of its rules, and warns of what is surely not meant. `explain FILE REQUEST` tells which
rule grants a request, and why each other rule does not.
"""

import argparse
import sys
from pathlib import Path

from presign import logs
from presign.authorize.decision import Mismatch, Policy, source_of
from presign.authorize.rules import Rule, parse_rules
from presign.authorize.warnings import warnings_of
from presign.model.invocation import Principal
from presign.model.json_text import decode
from presign.model.operation import DEFAULT_EXPIRES_IN, MAX_EXPIRES_IN
from presign.model.request import Request
from presign.problems import FieldError, Problem
from presign.read.parser import RequestParser


def main() -> int:
    """Do what the command line says; the exit status is 0 for a policy without errors and a request that is granted."""
    logs.escape_on_stdout()
    parser = _parser()
    arguments = parser.parse_args()
    if arguments.command == "explain" and arguments.caller == "invoke" and arguments.claim:
        parser.error("a direct invocation has no claims")
    if arguments.command == "explain" and len(dict(arguments.claim)) < len(arguments.claim):
        parser.error("a claim can be given once; put spaces between its values")
    try:
        rules, errors = parse_rules(arguments.policy.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as exc:
        return _tell_errors(arguments.policy, [FieldError("", str(exc))])
    if errors:
        return _tell_errors(arguments.policy, errors)
    if arguments.command == "check":
        warnings = list(warnings_of(rules))
        for warning in warnings:
            print(f"{arguments.policy}: warning: {warning}", file=sys.stderr)
        print(f"{arguments.policy}: {len(rules)} rules without errors" + f", {len(warnings)} warnings" * bool(warnings))
        return 1 if warnings and arguments.strict else 0
    return _explain(rules, arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m presign", description="Tests a policy.")
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="list the errors of a policy, and warn of what is surely not meant")
    check.add_argument("--strict", action="store_true", help="end with status 1 if there are warnings")
    explain = commands.add_parser("explain", help="tell which rule grants a request, and why each other rule does not")
    for command in (check, explain):
        command.add_argument("policy", type=Path, help="the JSON file with the rules")
    explain.add_argument("request", type=Path, help="a JSON file, the body of a request")
    explain.add_argument("--caller", choices=("gateway", "invoke"), default="gateway", help="default: %(default)s")
    explain.add_argument(
        "--claim", action="append", default=[], type=_claim, metavar="NAME=VALUE", help="of the caller's token"
    )
    explain.add_argument("--store-route", action="store_true", help="as if the setting STORE_ROUTE were set")
    explain.add_argument("--default-bucket", metavar="BUCKET", help="as the setting DEFAULT_BUCKET")
    return parser


def _claim(text: str) -> tuple[str, str]:
    """The name and the value of a claim, as the function gets them."""
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    if not (value.isascii() and value.isprintable()):
        raise argparse.ArgumentTypeError(f"{text!r} is not printable ASCII, so the function ignores it")
    return name.lower(), value


def _explain(rules: list[Rule], arguments: argparse.Namespace) -> int:
    parser = RequestParser(default_bucket=arguments.default_bucket, max_expires_in=MAX_EXPIRES_IN, virtual_hosted=False)
    try:
        request = parser.parse(decode(arguments.request.read_bytes()))
    except (OSError, Problem) as exc:
        return _tell_errors(arguments.request, getattr(exc, "errors", None) or [FieldError("", str(exc))])
    policy = Policy(rules, default_expires_in=DEFAULT_EXPIRES_IN, has_store_route=arguments.store_route)
    principal = Principal(arguments.caller, dict(arguments.claim))
    granted = _explain_one(policy, request, principal)
    if download := source_of(request):
        granted = _explain_one(policy, download, principal, of="for the source, ") and granted
    print("granted" if granted else "refused")
    return 0 if granted else 1


def _explain_one(policy: Policy, request: Request, principal: Principal, *, of: str = "") -> bool:
    """Print a line for each rule, which begins with `of`; whether one of them grants the request."""
    granted = False
    for number, outcome in enumerate(policy.explain(request, principal)):
        if isinstance(outcome, Mismatch):
            sentence = f"does not grant it: {outcome}"
        elif granted:
            sentence = "would grant it, but an earlier rule decides"
        else:
            sentence = f"grants it for {outcome.expires_in} seconds"
            granted = True
        print(f"{of}rule {number}: {sentence}")
    return granted


def _tell_errors(path: Path, errors: list[FieldError]) -> int:
    for error in errors:
        print(f"{path}: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
