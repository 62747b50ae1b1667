"""`python -m local` runs the whole system on this machine; `python -m local invoke BODY` calls its function."""

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

from local.function import FunctionUnavailable, invoke
from local.server import PortTaken
from local.stack import OBJECT, Stack, socket_path

DEFAULT_PORT = 8080


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
    invoke_parser.add_argument("--port", type=int, default=argparse.SUPPRESS, help="of the stack's gateway")
    arguments = parser.parse_args()
    if arguments.command == "invoke":
        return _invoke(arguments.port, arguments.body)
    return _run(arguments.port)


def _run(port: int) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with Stack(port=port, directory=_directory(port)) as stack:
            _show(stack)
            signal.pause()
    except PortTaken as exc:
        print(f"{exc} Choose another: --port, or `make run PORT=…`.", file=sys.stderr)
        return 1
    except PermissionError as exc:
        print(exc, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.")
    return 0


def _show(stack: Stack) -> None:
    """Print a line that asks for a URL and one that uses it, and what each of them gave just now."""
    body = json.dumps({"key": OBJECT})
    ask = f"curl -s {stack.url}/v1/presign -H 'Content-Type: application/json' -d '{body}'"
    print(f"\nReady. This asks for a URL:\n\n  {ask}\n", flush=True)
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
        print(f"Nothing runs on port {port}: start it with `make run`.", file=sys.stderr)
        return 1
    try:
        answer = invoke(path, body.encode())
    except FunctionUnavailable as exc:
        print(exc, file=sys.stderr)
        return 1
    sys.stdout.write(answer.body.decode() + "\n")
    return 0


def _directory(port: int) -> Path:
    """Where the stack with its gateway on `port` keeps its files; known to this user's other processes."""
    return Path(tempfile.gettempdir()) / f"presign-{os.getuid()}-{port}"


if __name__ == "__main__":
    sys.exit(main())
