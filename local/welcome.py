"""The text that `python -m local` prints when all is ready: addresses, and commands to copy."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from pathlib import Path

from local.page.page import MESSAGES_PATH
from local.stack import BUCKET, FUNCTION_NAME, OBJECT, Stack

_BODY = json.dumps({"key": OBJECT})


def welcome(stack: Stack, policy_path: Path | None, *, delivers: bool) -> None:
    """Print where things are, a command that asks for a URL, one that uses the URL, and how other callers ask.

    Args:
        policy_path: of the user's own policy.
        delivers: whether the answers to events go to the queue.
    """
    messages = f"{stack.url}{MESSAGES_PATH}" if delivers else "none, as a rule for invoke has no max_expires_in"
    print(
        f"""
Ready.

  Web page for uploads and downloads:  {stack.url}
  API, as behind API Gateway:          {stack.url}/v1/presign
  The store, bucket {BUCKET}:     {stack.storage_url}
  The store route, with CORS:          {stack.store_route}
  Invoke endpoint of OCI Functions:    {stack.invoke_endpoint}
  Messages about uploads:              {messages}
  Policy:                              {policy_path or "the built-in one, see local/__main__.py"}
"""
    )
    _show_use(stack)
    exports = "\n".join(f"  export {name}={shlex.quote(value)}" for name, value in stack.caller_environment().items())
    print(
        f"""This command asks without the gateway, by the CLI of the Fn project:

  echo '{_BODY}' | FN_API_URL={stack.fn_url} fn invoke {FUNCTION_NAME} {FUNCTION_NAME}

With these lines, the samples of docs/invoke.md run:

{exports}

The function's log follows. Ctrl-C stops everything.
""",
        flush=True,
    )


def _show_use(stack: Stack) -> None:
    """Print a command that asks for a URL, and one that uses the URL, with their output."""
    headers = f"-H 'Authorization: Bearer {stack.token()}' -H 'Content-Type: application/json'"
    ask = f"curl -s {stack.url}/v1/presign {headers} -d '{_BODY}'"
    print(f"This command asks for a URL as the user alice:\n\n  {ask}\n", flush=True)
    if not shutil.which("curl"):
        print("(It was not run, since this machine has no curl.)\n")
        return
    answer = _output(ask)
    print(answer)
    if url := json.loads(answer).get("url"):
        use = f"curl -s '{url}'"
        print(f"\nThis command uses it:\n\n  {use}\n\n{_output(use)}")
    else:
        print("\nThe policy refuses this request.\n")


def _output(command: str) -> str:
    return subprocess.run(["/bin/sh", "-c", command], check=True, capture_output=True, encoding="utf-8").stdout  # noqa: S603
