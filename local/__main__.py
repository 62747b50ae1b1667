"""`python -m local` runs the whole system on this machine.

While it runs, `python -m local invoke BODY` calls its function directly, `python -m local token` prints a token for its
gateway, and `python -m local event KEY` has it send an event of Object Storage.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from gateway.fill import TEMPLATE
from local.api_gateway.deployment import UnsupportedDeployment
from local.directory import directory_at, function_socket
from local.event_socket import send_event
from local.functions.fn_agent import FunctionUnavailable, invoke
from local.identity.identity_provider import LIFETIME_SECONDS, IdentityProvider
from local.page.messages import message_line
from local.server import PortTaken
from local.stack import BUCKET, OBJECT, Stack
from local.welcome import welcome
from presign import logs
from presign.authorize.rules import Rule, parse_rules

DEFAULT_PORT = 8080
POLICY = {
    "rules": [
        {"operations": ["read"], "bucket": BUCKET, "prefix": OBJECT, "callers": ["gateway"]},
        {"operations": ["*"], "bucket": BUCKET, "prefix": "users/{sub}/", "callers": ["gateway"], "reuse_for": 900},
        {"operations": ["*"], "bucket": BUCKET, "prefix": "users/{sub}/", "callers": ["gateway"], "via": "par"},
        {"operations": ["*"], "bucket": BUCKET, "prefix": "inbox/", "callers": ["gateway"]},
        {"operations": ["*"], "bucket": BUCKET, "prefix": "", "callers": ["invoke"], "max_expires_in": 3600},
    ]
}
"""Every user may read one object, has a folder of their own by either kind of URL, and shares the folder `inbox/` with
all others, as the docs' examples need it. Direct invocations may do anything."""


def main() -> int:
    """Run the command; returns its exit status."""
    logs.escape_on_stdout()
    arguments = _parser().parse_args()
    if arguments.command == "invoke":
        return _invoke(arguments.port, arguments.body)
    if arguments.command == "token":
        return _token(arguments.port, {"sub": arguments.sub, **_claims(arguments.claim)}, arguments.lifetime)
    if arguments.command == "event":
        return _event(arguments.port, arguments.key)
    return _run(arguments.port, policy_path=arguments.policy, s3_cors=arguments.s3_cors)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description="The whole system on one machine.")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="of the gateway (default: %(default)s)")
    parser.add_argument("--policy", type=Path, metavar="FILE", help="a policy of your own (JSON)")
    parser.add_argument("--s3-cors", action="store_true", help="CORS headers on the S3 API, which OCI does not send")
    commands = parser.add_subparsers(dest="command")
    invoke_parser = commands.add_parser("invoke", help="send a body straight to the function, as `fn invoke` does")
    invoke_parser.add_argument("body", help='such as \'{"key": "PresignedBlogTest.txt"}\'')
    token_parser = commands.add_parser("token", help="print a token (JWT) that the gateway accepts")
    token_parser.add_argument("--sub", default="alice", help="the user (default: %(default)s)")
    token_parser.add_argument(
        "--claim",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="one more claim; the same name again makes it a list",
    )
    token_parser.add_argument(
        "--lifetime", type=int, metavar="SECONDS", help=f"of the token (default: {LIFETIME_SECONDS})"
    )
    event_parser = commands.add_parser("event", help="send what Object Storage sends when an object is written")
    event_parser.add_argument("key", help="of the object, in the bucket " + BUCKET)
    for command in (invoke_parser, token_parser, event_parser):
        command.add_argument("--port", type=int, default=argparse.SUPPRESS, help="of the stack's gateway")
    return parser


def _run(port: int, *, policy_path: Path | None, s3_cors: bool) -> int:
    policy, delivers = json.dumps(POLICY), True
    if policy_path:
        try:
            policy, rules = _policy(policy_path)
            delivers = _may_be_delivered(rules)
        except _InvalidPolicy as exc:
            print(exc, file=sys.stderr)
            return 1
    for number in (signal.SIGTERM, signal.SIGINT):  # since a shell's background jobs ignore SIGINT
        signal.signal(number, signal.default_int_handler)
    try:
        with Stack(
            port=port,
            directory=directory_at(port),
            config={"POLICY": policy},
            s3_cors=s3_cors,
            deliver_to="queue" if delivers else None,
            events=True,
            on_message=lambda message: print(message_line(message), flush=True),
        ) as stack:
            welcome(stack, policy_path, delivers=delivers)
            signal.pause()
    except PortTaken as exc:
        print(f"{exc} Choose another: --port, or `make run PORT=8081`.", file=sys.stderr)
        return 1
    except (PermissionError, UnsupportedDeployment) as exc:
        print(exc, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.")
    return 0


class _InvalidPolicy(Exception):
    """The user's policy can't be read, or has errors."""


def _policy(path: Path) -> tuple[str, list[Rule]]:
    """The policy in a file, and its rules.

    Raises:
        _InvalidPolicy: it can't be read, or has errors; the text lists them.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as exc:
        raise _InvalidPolicy(f"The policy can't be read: {exc}") from exc
    except UnicodeDecodeError as exc:
        raise _InvalidPolicy(f"The policy {path} is not UTF-8 text: {exc}") from exc
    rules, errors = parse_rules(text)
    if errors:
        lines = [f"{error.pointer} {error.detail}".lstrip() for error in errors]  # the pointer may be empty
        raise _InvalidPolicy("\n  ".join([f"The policy {path} is not valid:", *lines]))
    return text, rules


def _may_be_delivered(rules: Sequence[Rule]) -> bool:
    """Whether the function accepts the rules together with DELIVER_TO."""
    return all(rule.max_expires_in is not None for rule in rules if rule.answers_events)


def _invoke(port: int, body: str) -> int:
    path = function_socket(directory_at(port))
    if not path.exists():
        return _nothing_runs(port)
    try:
        answer = invoke(path, body.encode())
    except FunctionUnavailable as exc:
        print(exc, file=sys.stderr)
        return 1
    sys.stdout.write(answer.body.decode() + "\n")
    return 0


def _event(port: int, key: str) -> int:
    try:
        sent = send_event(directory_at(port), key)
    except (FileNotFoundError, ConnectionError, EOFError):
        return _nothing_runs(port)
    except ValueError as exc:
        print(f"The key is not valid: {exc}", file=sys.stderr)
        return 1
    print(json.dumps(sent.event, indent=2, ensure_ascii=False))
    if not sent.exists:
        print(f"The bucket {BUCKET} has no such object, so its URL gets 404.", file=sys.stderr)
    return 0


def _token(port: int, claims: dict[str, str | list[str]], lifetime_seconds: int | None) -> int:
    """Print a token; a user who chose its lifetime is told how much longer the gateway accepts it."""
    try:
        provider = IdentityProvider.load(directory_at(port))
    except FileNotFoundError:
        return _nothing_runs(port)
    if lifetime_seconds is None:
        lifetime_seconds = LIFETIME_SECONDS
    else:
        authentication = json.loads(TEMPLATE.read_text("utf-8"))["requestPolicies"]["authentication"]
        skew_seconds = authentication["maxClockSkewInSeconds"]
        told = f"The gateway accepts it for {skew_seconds} s more, as clocks may differ (maxClockSkewInSeconds)."
        print(told, file=sys.stderr)
    print(provider.token(claims, lifetime_seconds=lifetime_seconds))
    return 0


def _claims(arguments: list[str]) -> dict[str, str | list[str]]:
    given: dict[str, list[str]] = {}
    for argument in arguments:
        name, _, value = argument.partition("=")
        given.setdefault(name, []).append(value)
    return {name: values if len(values) > 1 else values[0] for name, values in given.items()}


def _nothing_runs(port: int) -> int:
    print(f"Nothing runs on port {port}: start it with `make run`.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
