"""`python -m gateway.fill NAME=VALUE …` prints `deployment.json` with its placeholders filled, ready to deploy.

Other users of a machine can read command lines. So the gateway secret may come from the environment (`CLAIMS_KEY`) or
from a file (`CLAIMS_KEY=@FILE`) instead.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

TEMPLATE = Path(__file__).with_name("deployment.json")

PLACEHOLDERS = {
    "FUNCTION_OCID": re.compile(r"ocid1\.fnfunc\.[A-Za-z0-9._-]+"),
    "ISSUER": re.compile(r"[^\s,<>]+"),
    "AUDIENCE": re.compile(r"[^\s,<>]+"),
    "JWKS_URI": re.compile(r"https://[^\s,<>]+"),
    "ALLOWED_ORIGINS": re.compile(r"\*|null|https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?"),
    "CLAIMS_KEY": re.compile(r"[A-Za-z0-9_-]{32,128}"),
}
"""The names that stand in angle brackets in the template, and the values that fit there."""

LISTS = frozenset({"ISSUER", "AUDIENCE", "ALLOWED_ORIGINS"})
"""The placeholders that may have several values, with commas between them."""

SECRETS = {"CLAIMS_KEY": "CLAIMS_KEY must be 32 to 128 letters, digits, hyphens and underscores"}
"""The placeholders that may come from the environment or a file, with their errors, which quote no value."""

_placeholder = re.compile(r"<([A-Z_]+)>")


class UnreadableValue(Exception):
    """The file that holds a value can't be read; the text says why."""


def read_values(arguments: Sequence[str], environment: Mapping[str, str]) -> dict[str, list[str]]:
    """The values for the placeholders, which `value_errors` has yet to check.

    Args:
        arguments: `NAME=VALUE`, or for a secret `NAME=@FILE`.
        environment: has the secrets that `arguments` leave out.

    Raises:
        UnreadableValue: a file can't be read.
    """
    values: dict[str, list[str]] = {}
    for argument in arguments:
        name, _, text = argument.partition("=")
        if name in SECRETS and text.startswith("@"):
            text = _content(name, Path(text[1:]))
        values.setdefault(name, []).extend(text.split(",") if name in LISTS else [text])
    for name in SECRETS:
        if name not in values and environment.get(name):
            values[name] = [environment[name]]
    return values


def value_errors(values: Mapping[str, Sequence[str]]) -> list[str]:
    """The errors of the values for the placeholders: one is missing, is unknown, is given twice, or does not fit."""
    errors = [f"{name} is missing" for name in PLACEHOLDERS if not values.get(name)]
    errors += [f"{name} is not one of {', '.join(PLACEHOLDERS)}" for name in values if name not in PLACEHOLDERS]
    for name, pattern in PLACEHOLDERS.items():
        for value in values.get(name, ()):
            if not pattern.fullmatch(value):
                errors.append(SECRETS.get(name, f"{name} cannot be {value!r}"))
        if len(values.get(name, ())) > 1 and name not in LISTS:
            errors.append(f"{name} is given twice")
    return errors


def warnings_of(values: Mapping[str, Sequence[str]]) -> list[str]:
    """What is legal in the values, but seldom meant so."""
    if len(set(values["ISSUER"])) < 2:
        return []
    return [
        "warning: several issuers may give the same sub to different users; "
        'give each rule for users "when": {"iss": ["…"]} with one issuer (docs/policy.md#several-issuers)'
    ]


def _content(name: str, path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise UnreadableValue(f"{name}: the file can't be read: {exc}") from exc


def fill(template: Any, values: Mapping[str, Sequence[str]]) -> Any:
    """`template` with each placeholder replaced; one that is a whole element of a list becomes all its values.

    Raises:
        KeyError: a placeholder has no value.
    """
    if isinstance(template, dict):
        return {name: fill(value, values) for name, value in template.items()}
    if isinstance(template, list):
        return [filled for element in template for filled in _fill_element(element, values)]
    if isinstance(template, str):
        return _placeholder.sub(lambda found: values[found[1]][0], template)
    return template


def _fill_element(element: Any, values: Mapping[str, Sequence[str]]) -> list[Any]:
    whole = _placeholder.fullmatch(element) if isinstance(element, str) else None
    return list(values[whole[1]]) if whole else [fill(element, values)]


def main() -> int:
    """Run the command.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m gateway.fill", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("values", nargs="*", metavar="NAME=VALUE", help=f"for each of {', '.join(PLACEHOLDERS)}")
    try:
        values = read_values(parser.parse_args().values, os.environ)
    except UnreadableValue as exc:
        print(exc, file=sys.stderr)
        return 1
    if errors := value_errors(values):
        print("\n".join(errors), file=sys.stderr)
        return 1
    for warning in warnings_of(values):
        print(warning, file=sys.stderr)
    print(json.dumps(fill(json.loads(TEMPLATE.read_text("utf-8")), values), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
