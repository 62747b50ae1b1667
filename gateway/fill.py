"""`python -m gateway.fill NAME=VALUE …` prints `deployment.json` with its placeholders filled, ready to deploy.

With `--store` it prints `store.json`, which has routes for each bucket. `POLICY=FILE` names the buckets of a policy.

Other users of a machine can read command lines. So the gateway secret may come from the environment (`CLAIMS_KEY`) or
from a file (`CLAIMS_KEY=@FILE`) instead.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

TEMPLATE = Path(__file__).with_name("deployment.json")
STORE_TEMPLATE = Path(__file__).with_name("store.json")

_ORIGIN = re.compile(r"\*|null|https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?")

PLACEHOLDERS = {
    "FUNCTION_OCID": re.compile(r"ocid1\.fnfunc\.[A-Za-z0-9._-]+"),
    "ISSUER": re.compile(r"[^\s,<>]+"),
    "AUDIENCE": re.compile(r"[^\s,<>]+"),
    "JWKS_URI": re.compile(r"https://[^\s,<>]+"),
    "ALLOWED_ORIGINS": _ORIGIN,
    "CLAIMS_KEY": re.compile(r"[A-Za-z0-9_-]{32,128}"),
}
"""The names that stand in angle brackets in the template, and the values that fit there."""

OPTIONS = {"ALLOWED_HEADERS": re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")}
"""Names that may be left out, and the values that fit there.

`ALLOWED_HEADERS` are headers that the tools of a page add to all its requests, such as `traceparent`. A browser sends
no request with a header that is not allowed.
"""

STORE_PLACEHOLDERS = {
    "STORE": re.compile(r"https://[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::[0-9]{1,5})?"),
    # A path segment of dots alone would lead out of the bucket.
    "BUCKET": re.compile(r"(?!\.+$)[A-Za-z0-9._-]{1,256}"),
    "ALLOWED_ORIGINS": _ORIGIN,
}
"""The placeholders of the template of the store route, and the values that fit there. It has no options."""

LISTS = frozenset({"ISSUER", "AUDIENCE", "ALLOWED_ORIGINS", "BUCKET", *OPTIONS})
"""The names that may have several values, with commas between them."""

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


def value_errors(
    values: Mapping[str, Sequence[str]], placeholders: Mapping[str, re.Pattern[str]] = PLACEHOLDERS
) -> list[str]:
    """The errors of the values for the placeholders: one is missing, is unknown, is given twice, or does not fit."""
    errors = [f"{name} is missing" for name in placeholders if not values.get(name)]
    patterns = {**placeholders, **(OPTIONS if placeholders is PLACEHOLDERS else {})}
    errors += [f"{name} is not one of {', '.join(patterns)}" for name in values if name not in patterns]
    for name, pattern in patterns.items():
        for value in values.get(name, ()):
            if not pattern.fullmatch(value):
                errors.append(SECRETS.get(name, f"{name} cannot be {value!r}"))
        if len(values.get(name, ())) > 1 and name not in LISTS:
            errors.append(f"{name} is given twice")
    return errors


def warnings_of(values: Mapping[str, Sequence[str]]) -> list[str]:
    """A sentence for each value that is legal, but seldom meant so."""
    if len(set(values.get("ISSUER", ()))) < 2:
        return []
    return [
        "warning: several issuers may give the same sub to different users; "
        'give each rule for users "when": {"iss": ["…"]} with one issuer (docs/policy.md#several-issuers)'
    ]


def _content(name: str, path: Path, *, encoding: str = "ascii") -> str:
    try:
        return path.read_text(encoding).strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise UnreadableValue(f"{name}: the file can't be read: {exc}") from exc


def store_buckets(policy: str, named: Sequence[str] = ()) -> list[str]:
    """The buckets of a policy's `s3` rules, and those that are `named` besides.

    Args:
        policy: the document.
        named: the buckets of rules that have a claim in place of a bucket's name.

    Raises:
        UnreadableValue: the policy has errors, or buckets must be named for it.
    """
    try:
        rules = json.loads(policy)["rules"]
        buckets = [rule["bucket"] for rule in rules if rule.get("via", "s3") == "s3"]
        unknown = [bucket for bucket in dict.fromkeys(buckets) if "{" in bucket]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise UnreadableValue("POLICY has errors: `python -m presign check FILE` tells them") from None
    if unknown and not named:
        raise UnreadableValue(f"POLICY has a rule for the bucket {unknown[0]}: name such buckets with BUCKET=…,…")
    if not buckets:
        raise UnreadableValue("POLICY has no rule for presigned URLs, so nobody needs a store route")
    return list(dict.fromkeys([*(bucket for bucket in buckets if bucket not in unknown), *named]))


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


def with_allowed_headers(specification: Any, names: Sequence[str]) -> Any:
    """`specification`, by which pages may also send headers with these names."""
    filled = copy.deepcopy(specification)
    allowed = filled["requestPolicies"]["cors"]["allowedHeaders"]
    allowed += [name for name in names if name not in allowed]
    return filled


def fill_store(template: Any, values: Mapping[str, Sequence[str]]) -> Any:
    """The `template` of the store route with each placeholder replaced, and its routes for each value of `BUCKET`.

    Raises:
        KeyError: a placeholder has no value.
    """
    routes = [
        fill(route, {**values, "BUCKET": [bucket]}) for bucket in values["BUCKET"] for route in template["routes"]
    ]
    return {**fill({name: part for name, part in template.items() if name != "routes"}, values), "routes": routes}


def main() -> int:
    """Run the command.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m gateway.fill", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--store", action="store_true", help="fill store.json, the store route")
    parser.add_argument(
        "values",
        nargs="*",
        metavar="NAME=VALUE",
        help=f"for each of {', '.join(PLACEHOLDERS)}, and if need be {', '.join(OPTIONS)}; "
        f"with --store of {', '.join(STORE_PLACEHOLDERS)}",
    )
    arguments = parser.parse_args()
    try:
        values = read_values(arguments.values, {} if arguments.store else os.environ)
        if arguments.store and "POLICY" in values:
            policy = _content("POLICY", Path(values.pop("POLICY")[-1]), encoding="utf-8-sig")
            values["BUCKET"] = store_buckets(policy, values.get("BUCKET", []))
    except UnreadableValue as exc:
        print(exc, file=sys.stderr)
        return 1
    if errors := value_errors(values, STORE_PLACEHOLDERS if arguments.store else PLACEHOLDERS):
        print("\n".join(errors), file=sys.stderr)
        return 1
    for warning in warnings_of(values):
        print(warning, file=sys.stderr)
    template = json.loads((STORE_TEMPLATE if arguments.store else TEMPLATE).read_text("utf-8"))
    specification = (fill_store if arguments.store else fill)(template, values)
    print(json.dumps(with_allowed_headers(specification, values.get("ALLOWED_HEADERS", [])), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
