"""The PARs of the function, by number and age."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from deploy.doctor.diagnosis import findings_of
from deploy.doctor.finding import Finding
from deploy.doctor.steps import STEPS
from local.api import not_found
from support.oci_answers import BUCKET, FUNCTION, NAMESPACE, REGION, ago
from support.oci_services import World

LISTED = f"GET /n/{NAMESPACE}/b/{BUCKET}/p"
TAG = sha256(FUNCTION.encode()).hexdigest()[:12]
SWEEP = (
    f"oci fn function invoke --region {REGION} --function-id {FUNCTION} --file - "
    f"""--body '{{"sweep": {{"bucket": "{BUCKET}"}}}}'"""
)


def par(
    *, created_days_ago: float, expired_days_ago: float, name: str = f"presign:{TAG}:gateway:a:01"
) -> dict[str, Any]:
    """A PAR in a list."""
    times = {"timeCreated": ago(days=created_days_ago), "timeExpires": ago(days=expired_days_ago)}
    return {"id": "1", "name": name, "objectName": "a", "accessType": "ObjectRead", **times}


def finding(world: World, *listed: dict[str, Any]) -> Finding:
    """The finding of the step where these are listed."""
    world.services.answers[LISTED] = list(listed)
    ((_, found),) = findings_of([step for step in STEPS if step.name == "expired PARs"], world.tenancy())
    return found


def test_none(world: World) -> None:
    assert finding(world) == Finding("ok", f"{BUCKET} has no PAR of this function.")


def test_those_of_others_do_not_count(world: World) -> None:
    others = [
        par(created_days_ago=90, expired_days_ago=80, name=name)
        for name in ("presign:another:gateway:a:01", "made by hand")
    ]
    assert finding(world, *others) == Finding("ok", f"{BUCKET} has no PAR of this function.")


def test_those_that_the_next_sweep_takes(world: World) -> None:
    found = finding(
        world,
        par(created_days_ago=2.5, expired_days_ago=1.9),
        par(created_days_ago=1.5, expired_days_ago=-1),
        par(created_days_ago=0.1, expired_days_ago=-1),
    )
    text = f"{BUCKET} has 3 PARs of this function, 1 of them expired; the oldest is 2 days old."
    assert found == Finding("ok", text)


def test_those_that_nobody_sweeps(world: World) -> None:
    old = par(created_days_ago=40.5, expired_days_ago=2.1)
    live = par(created_days_ago=0.5, expired_days_ago=-1)
    assert finding(world, old, live) == Finding(
        "warning",
        f"{BUCKET} has 2 PARs of this function, 1 of them expired; the oldest is 40 days old. "
        "Nobody sweeps them, and a bucket that has any can't be deleted.",
        SWEEP,
        ("Unless sweep = false, the stack makes a schedule that does it once a day.",),
    )


def test_those_with_the_functions_tag(world: World) -> None:
    world.services.config["FUNCTION_TAG"] = "presign-production"
    own = par(created_days_ago=0.5, expired_days_ago=-1, name="presign:presign-production:invoke::01")
    found = finding(world, own, par(created_days_ago=0.2, expired_days_ago=-1))
    text = f"{BUCKET} has 2 PARs of this function, 0 of them expired; the oldest is less than a day old."
    assert found == Finding("ok", text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (f"presign:{TAG}:gateway:a:01", f"{BUCKET} has at least 20000 PARs of this function, 0 of them expired; "),
        ("made by hand", f"{BUCKET} has no PAR of this function among the first."),
    ],
)
def test_more_than_are_looked_at(name: str, text: str, world: World) -> None:
    found = finding(world, *[par(created_days_ago=1.5, expired_days_ago=-1, name=name)] * 20_001)
    assert found.state == "ok"
    assert found.text.startswith(text)


def test_the_right_that_the_operator_lacks(world: World) -> None:
    world.services.answers[LISTED] = not_found()
    ((_, found),) = findings_of([step for step in STEPS if step.name == "expired PARs"], world.tenancy())
    assert found.state == "unknown"
    assert found.text.endswith("the permission: manage buckets in the bucket's compartment (PAR_MANAGE).")
