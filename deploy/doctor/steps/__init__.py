"""The steps of the diagnosis: each module has those of one heading, and names them at its end."""

from __future__ import annotations

from deploy.doctor.step import Step
from deploy.doctor.steps import bucket, calls, clock, events, function, gateway, key, logs, secret, store

STEPS: tuple[Step, ...] = (
    *clock.STEPS,
    *function.STEPS,
    *secret.STEPS,
    *bucket.STEPS,
    *key.STEPS,
    *gateway.STEPS,
    *calls.STEPS,
    *store.STEPS,
    *events.STEPS,
    *logs.STEPS,
)
"""In the order in which a request needs them."""
