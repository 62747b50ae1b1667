"""`python -m deploy rotate` replaces the customer secret key, or the gateway secret, without an outage.

There are three stages. The new one is made beside the old one; it is used once it works everywhere; and the old one
goes once nothing depends on it any more. The first call takes the first two stages, a second call the third.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from deploy import approval, changes, preflight
from deploy.approval import Approval
from deploy.environment import Environment, NotReady, write_whole
from deploy.session import Refused, Session
from deploy.store_trial import accepts
from deploy.terraform import Failed

GATEWAY_SECONDS = 300
"""Containers with old settings, and gateways with an old deployment, may live this long. Oracle gives no figure."""

TRIALS = 3
"""Object Storage must accept a new key so many times in a row, as its parts learn of it one by one."""

TRIAL_SECONDS = 20
PATIENCE_SECONDS = 1800


@dataclass(frozen=True, slots=True)
class Clock:
    """The time, in seconds since the epoch, and a way to let it pass."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of secret.

    Args:
        name: as the command line has it.
        made: the resource in which the stack has made the secret.
        input: of the stack: the names of one or two secrets, the last of which is in use.
        becomes_ready: waits until the new secret works everywhere.
        seconds_in_use: how long the old one is needed after the change.
    """

    name: str
    made: str
    input: str
    becomes_ready: Callable[[Session, str, Clock], None] = field(repr=False)
    seconds_in_use: Callable[[Session], int] = field(repr=False)


def _wait_for_store(session: Session, name: str, clock: Clock) -> None:
    """Wait until Object Storage accepts the new key; for some minutes it does not."""
    key = next(
        instance["attributes"]
        for resource in session.state["resources"]
        if resource["type"] == "oci_identity_customer_secret_key"
        for instance in resource["instances"]
        if instance.get("index_key") == name
    )
    ends_at = clock.now() + PATIENCE_SECONDS
    print("Waiting until Object Storage accepts the new key, which takes some minutes.")
    in_a_row = 0
    while in_a_row < TRIALS:
        accepted = accepts(session, access_key_id=key["id"], secret_access_key=key["key"])
        in_a_row = in_a_row + 1 if accepted else 0
        if not accepted and clock.now() >= ends_at:
            raise Refused(
                "Object Storage does not accept the new key, so the old one goes on signing. Call this again."
            )
        clock.sleep(TRIAL_SECONDS)


def _wait_for_containers(_session: Session, _name: str, clock: Clock) -> None:
    """Wait until no container is left that knows the old gateway secret alone."""
    print(f"Waiting for {GATEWAY_SECONDS} seconds, as containers with the old settings may live so long.")
    clock.sleep(GATEWAY_SECONDS)


def _seconds_of_urls(session: Session) -> int:
    """How long a URL of the old key may work after the change: a container keeps the key, and signs with it."""
    settings = session.settings()
    return settings.secret_ttl_seconds + settings.secret_max_stale_seconds + settings.max_expires_in


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "key",
            "oci_identity_customer_secret_key.signer",
            "signing_keys",
            _wait_for_store,
            _seconds_of_urls,
        ),
        Kind(
            "gateway",
            "terraform_data.gateway_secret",
            "gateway_secrets",
            _wait_for_containers,
            lambda _session: GATEWAY_SECONDS,
        ),
    )
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `python -m deploy rotate`."""
    preflight.add_arguments(parser)
    parser.add_argument("--secret", choices=KINDS, default="key", help="default: %(default)s, which signs URLs")
    approval.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Take the next stage of a rotation.

    Returns:
        The exit status.
    """
    environment = Environment(arguments.env)
    return preflight.look(environment, quiet=True) or rotate(
        environment, KINDS[arguments.secret], approval=approval.of(arguments), clock=Clock()
    )


def rotate(environment: Environment, kind: Kind, *, approval: Approval, clock: Clock) -> int:
    """Make a new secret and use it, or delete the old one.

    Returns:
        The exit status.
    """
    try:
        session = Session(environment)
        session.take_deployed_archive()
        slot = environment.slot(kind.input)
        names = slot["names"]
        if "until" not in slot:
            _begin(session, kind, names, approval=approval, clock=clock)
        elif slot["until"] is None:
            _use(session, kind, names, approval=approval, clock=clock)
        else:
            _end(session, kind, names, datetime.fromisoformat(slot["until"]), approval=approval, clock=clock)
    except (Refused, NotReady) as exc:
        print(exc, file=sys.stderr)
        return 1
    except Failed as exc:
        return exc.status
    return 0


def _begin(session: Session, kind: Kind, names: list[str], *, approval: Approval, clock: Clock) -> None:
    """Make a new secret, wait until it works everywhere, and use it."""
    if kind.made not in {f"{resource['type']}.{resource['name']}" for resource in session.state.get("resources", [])}:
        raise Refused("The stack has made no such secret, so there is none to replace.")
    if len(names) == 1:
        _refuse_other_changes(session)
        names = ["b" if names == ["a"] else "a", *names]
    new, old = names
    _step(session, kind, {"names": [new, old]}, approval=approval)
    kind.becomes_ready(session, new, clock)
    _use(session, kind, [old, new], approval=Approval(auto=True), clock=clock)


def _use(session: Session, kind: Kind, names: list[str], *, approval: Approval, clock: Clock) -> None:
    """Use the new secret, the last of `names`; when it is in use, write down how long the old one may be."""
    _step(session, kind, {"names": names, "until": None}, approval=approval)
    # The settings of now count, as URLs that were given keep their ends.
    until = datetime.fromtimestamp(clock.now() + kind.seconds_in_use(session), UTC)
    slot = {"names": names, "until": until.isoformat(timespec="seconds")}
    _write(session.environment, {**session.environment.slots(), kind.input: slot})
    print(f"The new one is in use. From {until:%Y-%m-%d %H:%M} UTC on, the same command takes the old one away.")


def _end(session: Session, kind: Kind, names: list[str], until: datetime, *, approval: Approval, clock: Clock) -> None:
    """Delete the old secret, unless it may be in use yet."""
    if clock.now() < until.timestamp():
        raise Refused(f"The old one may be in use until {until:%Y-%m-%d %H:%M} UTC. Call this again then.")
    _refuse_other_changes(session)
    _step(session, kind, {"names": names[1:]}, approval=approval)
    print("The old one is gone.")


def _refuse_other_changes(session: Session) -> None:
    """Refuse to rotate while a deploy would change anything, as each step deploys the rest of the stack too."""
    file, plan = session.plan(protected=False)
    shutil.rmtree(file.parent)
    if waiting := ", ".join(changes.changed(plan)):
        raise Refused(f"{waiting} would change too, so `make deploy` comes first.")


def _step(
    session: Session,
    kind: Kind,
    slot: Mapping[str, Any],
    *,
    approval: Approval,
) -> None:
    """Apply the stack with the names of `slot`; if that fails, those of before are in force again.

    Raises:
        Refused: somebody said no.
        Failed: of Terraform.
    """
    before = session.environment.slots()
    _write(session.environment, {**before, kind.input: slot})
    try:
        file, plan = session.plan(protected=True)
        try:
            if changes.has_changes(plan):
                if not approval.allows("Make these changes?"):
                    raise Refused("Nothing was changed.")
                session.terraform.apply(file)
        finally:
            shutil.rmtree(file.parent)
    except (Failed, Refused):
        _write(session.environment, before)
        raise
    session.state = session.terraform.state()


def _write(environment: Environment, slots: Mapping[str, Any]) -> None:
    write_whole(environment.rotation, f"{json.dumps(slots, indent=2)}\n".encode())
