"""`python -m gateway.fill NAME=VALUE …` prints `deployment.json` with its placeholders filled, ready to deploy."""

from __future__ import annotations

import argparse
import json
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
"""The names that stand in angle brackets in the template, and what fits there."""

LISTS = frozenset({"ISSUER", "AUDIENCE", "ALLOWED_ORIGINS"})
"""Those that may have several values, with commas between them."""

_placeholder = re.compile(r"<([A-Z_]+)>")


def value_faults(values: Mapping[str, Sequence[str]]) -> list[str]:
    """What is wrong with the values for the placeholders: one is missing, has no name here, or does not fit."""
    faults = [f"{name} is missing" for name in PLACEHOLDERS if not values.get(name)]
    faults += [f"{name} is not one of {', '.join(PLACEHOLDERS)}" for name in values if name not in PLACEHOLDERS]
    for name, pattern in PLACEHOLDERS.items():
        faults += [f"{name} cannot be {value!r}" for value in values.get(name, ()) if not pattern.fullmatch(value)]
        if len(values.get(name, ())) > 1 and name not in LISTS:
            faults.append(f"{name} is given twice")
    return faults


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
    """Do what the command line says.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m gateway.fill", description=__doc__)
    parser.add_argument("values", nargs="*", metavar="NAME=VALUE", help=f"for each of {', '.join(PLACEHOLDERS)}")
    values: dict[str, list[str]] = {}
    for argument in parser.parse_args().values:
        name, _, text = argument.partition("=")
        values.setdefault(name, []).extend(text.split(",") if name in LISTS else [text])
    if faults := value_faults(values):
        print("\n".join(faults), file=sys.stderr)
        return 1
    print(json.dumps(fill(json.loads(TEMPLATE.read_text("utf-8")), values), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
