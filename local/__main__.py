"""`python -m local` runs the whole system on this machine.

While it runs, `python -m local invoke BODY` calls its function, and `python -m local token` prints a token for its
gateway.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from local.api_gateway.deployment import UnsupportedDeployment
from local.functions.function import FunctionUnavailable, invoke
from local.identity.tokens import LIFETIME_SECONDS, IdentityProvider
from local.server import PortTaken
from local.stack import BUCKET, OBJECT, Stack, socket_path

DEFAULT_PORT = 8080
POLICY = {
    "rules": [
        {"operations": ["read"], "bucket": BUCKET, "prefix": OBJECT},
        {"operations": ["*"], "bucket": BUCKET, "prefix": "users/{sub}/"},
        {"operations": ["*"], "bucket": BUCKET, "prefix": "", "callers": ["invoke"]},
    ]
}
"""Everyone may read one object, and has a place of their own; whoever calls the function directly may do anything."""

_CLAIM_HELP = "one more claim; the same name again makes it a list"


def main() -> int:
    """Do what the command line says.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m local", description="The whole system on one machine.")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="of the gateway (default: %(default)s)")
    commands = parser.add_subparsers(dest="command")
    invoke_parser = commands.add_parser("invoke", help="send a body straight to the function, as `fn invoke` does")
    invoke_parser.add_argument("body", help='such as \'{"key": "PresignedBlogTest.txt"}\'')
    token_parser = commands.add_parser("token", help="print a token (JWT) that the gateway takes")
    token_parser.add_argument("--sub", default="alice", help="the user (default: %(default)s)")
    token_parser.add_argument("--claim", action="append", default=[], metavar="NAME=VALUE", help=_CLAIM_HELP)
    token_parser.add_argument("--lifetime", type=int, default=LIFETIME_SECONDS, help="seconds (default: %(default)s)")
    for command in (invoke_parser, token_parser):
        command.add_argument("--port", type=int, default=argparse.SUPPRESS, help="of the stack's gateway")
    arguments = parser.parse_args()
    if arguments.command == "invoke":
        return _invoke(arguments.port, arguments.body)
    if arguments.command == "token":
        return _token(arguments.port, {"sub": arguments.sub, **_claims(arguments.claim)}, arguments.lifetime)
    return _run(arguments.port)


def _run(port: int) -> int:
    for number in (signal.SIGTERM, signal.SIGINT):  # which a shell's background jobs ignore
        signal.signal(number, signal.default_int_handler)
    try:
        with Stack(port=port, directory=_directory(port), config={"POLICY": json.dumps(POLICY)}) as stack:
            _show(stack)
            signal.pause()
    except PortTaken as exc:
        print(f"{exc} Choose another: --port, or `make run PORT=…`.", file=sys.stderr)
        return 1
    except (PermissionError, UnsupportedDeployment) as exc:
        print(exc, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.")
    return 0


def _show(stack: Stack) -> None:
    """Print a line that asks for a URL and one that uses it, and what each of them gave just now."""
    body = json.dumps({"key": OBJECT})
    headers = f"-H 'Authorization: Bearer {stack.token()}' -H 'Content-Type: application/json'"
    ask = f"curl -s {stack.url}/v1/presign {headers} -d '{body}'"
    print(f"\nReady. To upload and download in a browser, open {stack.url}\n", flush=True)
    print(f"This asks for a URL:\n\n  {ask}\n", flush=True)
    if shutil.which("curl"):
        answer = _output(ask)
        use = f"curl -s '{json.loads(answer)['url']}'"
        print(f"{answer}\n\nand this uses it:\n\n  {use}\n\n{_output(use)}")
    else:
        print("(It was not tried, as there is no curl on this machine.)\n")
    print("The function's log appears here. Ctrl-C stops everything.\n", flush=True)


def _output(command: str) -> str:
    return subprocess.run(["/bin/sh", "-c", command], check=True, capture_output=True, text=True).stdout  # noqa: S603


def _invoke(port: int, body: str) -> int:
    path = socket_path(_directory(port))
    if not path.exists():
        return _nothing_runs(port)
    try:
        answer = invoke(path, body.encode())
    except FunctionUnavailable as exc:
        print(exc, file=sys.stderr)
        return 1
    sys.stdout.write(answer.body.decode() + "\n")
    return 0


def _token(port: int, claims: dict[str, str | list[str]], lifetime_seconds: int) -> int:
    try:
        provider = IdentityProvider.load(_directory(port))
    except FileNotFoundError:
        return _nothing_runs(port)
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


def _directory(port: int) -> Path:
    """Where the stack with its gateway on `port` keeps its files; known to this user's other processes."""
    return Path(tempfile.gettempdir()) / f"presign-{os.getuid()}-{port}"


if __name__ == "__main__":
    sys.exit(main())
