"""`python -m deploy pars list|revoke|sweep`: the pre-authenticated requests (PARs) that the function has given."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from deploy import oci_auth, oci_pages
from presign.model.object_names import bucket_error
from presign.services.pars import ParName, subject_digest
from presign.settings import function_tag

MAX_SECONDS = 10 * 365 * 86_400
"""Ten years; no PAR of this project is older."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `python -m deploy pars`."""
    parser.add_argument(
        "action",
        choices=("list", "revoke", "sweep"),
        help="list: show them; revoke: delete those that are chosen; sweep: delete those that have expired",
    )
    parser.add_argument("--bucket", type=_bucket, required=True)
    parser.add_argument("--namespace", type=_text, help="of Object Storage (default: the tenancy's)")
    parser.add_argument(
        "--function", type=_text, metavar="OCID", help="only those that this function has given without a tag"
    )
    parser.add_argument("--tag", type=_text, help="only those given with this `FUNCTION_TAG`")
    parser.add_argument("--subject", type=_text, help="only those given to the user with this claim `sub`")
    parser.add_argument(
        "--issuer", type=_text, help="with --subject: not those given to the user of another claim `iss`"
    )
    parser.add_argument("--key", type=_text, help="only those for this object")
    parser.add_argument("--prefix", type=_text, help="only those for objects whose keys begin so")
    parser.add_argument("--older-than", type=_seconds, metavar="SECONDS", help="only those created longer ago")
    parser.add_argument("--all", action="store_true", help="with revoke: all that the function has given")
    parser.add_argument("--endpoint", help="URL of the native Object Storage API (default: the region's)")
    oci_auth.add_arguments(parser)


def _text(text: str) -> str:
    """A text that is not empty: the empty one of a variable that is not set would choose all."""
    if not text:
        raise argparse.ArgumentTypeError("must not be empty")
    return text


def _bucket(text: str) -> str:
    if error := bucket_error(text):
        raise argparse.ArgumentTypeError(error)
    return text


def _seconds(text: str) -> int:
    if not text.isdecimal() or int(text) > MAX_SECONDS:
        raise argparse.ArgumentTypeError(f"must be a number of seconds, up to {MAX_SECONDS}")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """List, revoke or sweep. A PAR that can't be deleted keeps no other alive.

    Returns:
        The exit status: 0, or 1 after lines on standard error that say why, and which PARs may still be alive.
    """
    chosen = [arguments.subject, arguments.key, arguments.prefix, arguments.older_than]
    if arguments.action == "revoke" and not arguments.all and all(value is None for value in chosen):
        print("Choose with --subject, --key, --prefix or --older-than, or take --all.", file=sys.stderr)
        return 1
    if arguments.issuer is not None and arguments.subject is None:
        print("--issuer needs --subject.", file=sys.stderr)
        return 1
    from oci.circuit_breaker import NoCircuitBreakerStrategy
    from oci.object_storage import ObjectStorageClient

    try:
        # The SDK's circuit breaker would end the command after some failures.
        options = {"endpoint": arguments.endpoint, "circuit_breaker_strategy": NoCircuitBreakerStrategy()}
        client = oci_auth.credentials(arguments).client(ObjectStorageClient, **options)
        namespace = arguments.namespace or client.get_namespace().data
        chosen = list(_chosen(_all(client, namespace, arguments), arguments))
    except _failures() as exc:
        print(_sentence(exc), file=sys.stderr)
        return 1
    for par in chosen:
        print(_line(par))
    failed = {} if arguments.action == "list" else _delete(client, namespace, chosen, arguments)
    for par, sentence in failed.values():
        print(f"Not deleted: {_line(par)}  {sentence}", file=sys.stderr)
    return 1 if failed else 0


def _delete(client: Any, namespace: str, pars: Iterable[Any], arguments: argparse.Namespace) -> dict[str, Any]:
    """Delete all of `pars`; gives those that may still be alive, each with a sentence that says why, by their ids."""
    failed: dict[str, Any] = {}
    missing: dict[str, Any] = {}
    for par in pars:
        try:
            client.delete_preauthenticated_request(namespace, arguments.bucket, par.id)
        except _failures() as exc:
            is_missing = getattr(exc, "status", None) == 404
            (missing if is_missing else failed)[par.id] = (par, _sentence(exc))
    if missing:
        # OCI answers 404 where the right is missing, too. Only a list shows that a PAR is gone.
        try:
            left = {par.id for par in _all(client, namespace, arguments)}
        except _failures():
            left = {*missing}
        failed |= {par_id: told for par_id, told in missing.items() if par_id in left}
    return failed


def _failures() -> tuple[type[Exception], ...]:
    """The exceptions by which a call of OCI fails."""
    from oci.exceptions import ClientError, ServiceError

    # The SDK's RequestException and ConnectTimeout have nothing else in common.
    return ServiceError, ClientError, OSError


def _sentence(exc: Any) -> str:
    """Why OCI did not do what it was asked for."""
    if hasattr(exc, "status"):
        return f"OCI answered {exc.status} {exc.code}: {exc.message}"
    return f"OCI can't be asked: {exc}"


def _all(client: Any, namespace: str, arguments: argparse.Namespace) -> Iterator[Any]:
    options = {"object_name_prefix": prefix} if (prefix := arguments.key or arguments.prefix) else {}
    listed = client.list_preauthenticated_requests
    return oci_pages.each(listed, namespace, arguments.bucket, **options)


def _chosen(pars: Iterator[Any], arguments: argparse.Namespace) -> Iterator[Any]:
    now = datetime.now(UTC)
    subject, of_issuer = subject_digest(arguments.subject), subject_digest(arguments.subject, arguments.issuer)
    for par in pars:
        name = ParName.parse(par.name)
        if name is None:
            continue
        if arguments.function is not None and name.tag != function_tag(arguments.function):
            continue
        if arguments.action == "sweep" and par.time_expires > now:
            continue
        if arguments.tag is not None and name.tag != arguments.tag:
            continue
        if arguments.subject is not None and name.subject.partition(".")[0] != subject:
            continue
        if arguments.issuer is not None and name.subject not in (subject, of_issuer):
            continue
        if arguments.key is not None and par.object_name != arguments.key:
            continue
        if arguments.prefix is not None and not (par.object_name or "").startswith(arguments.prefix):
            continue
        if arguments.older_than is not None and par.time_created > now - timedelta(seconds=arguments.older_than):
            continue
        yield par


def _line(par: Any) -> str:
    name = ParName.parse(par.name)
    of = f"tag {name.tag}, call {name.call_id}" if name else ""
    return f"{par.access_type:13} until {par.time_expires:%Y-%m-%dT%H:%M:%SZ}  {par.object_name}  {par.id}  {of}"
