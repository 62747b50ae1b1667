"""`python -m deploy COMMAND`: each command is a module of this folder."""

from __future__ import annotations

import argparse
import importlib
import sys

from presign import logs

COMMANDS = {
    "package": "make the function's package, with the libraries that it uses",
    "stack": "make the Terraform stack, and pack it for Resource Manager",
    "preflight": "tell what a deploy needs and what is missing",
    "plan": "show what apply would change",
    "apply": "bring the stack of an environment to life",
    "rotate": "replace the customer secret key, or the gateway secret",
    "destroy": "delete all that apply has made",
    "doctor": "diagnose a deployment, and print the fixes",
    "pars": "list, revoke or sweep the pre-authenticated requests that the function has given",
}
"""The commands. A module is imported only for its own command, as each needs other packages."""

INTERRUPTED = 130
"""The exit status of shells for a program that Ctrl-C has ended."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command that `arguments` name; by default those of the command line.

    Returns:
        The exit status.
    """
    logs.escape_on_stdout()
    parser = argparse.ArgumentParser(prog="python -m deploy", description="From a clone to a live endpoint.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    given = sys.argv[1:] if arguments is None else arguments
    for name, description in COMMANDS.items():
        command = commands.add_parser(name, help=description, description=description)
        if name in given[:1]:
            module = importlib.import_module(f"deploy.{name}")
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    parsed = parser.parse_args(given)
    try:
        return int(parsed.run(parsed))
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return INTERRUPTED
    except OSError as exc:
        print(exc, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
