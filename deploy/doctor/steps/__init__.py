"""The steps of the diagnosis, in modules by their subjects.

A step is a function that takes the tenancy and gives a finding. The end of its module lists it under a heading and a
name, with the permission that an operator needs for it.
"""

from __future__ import annotations

from deploy.doctor.step import Step
from deploy.doctor.steps import (
    bucket,
    certificate,
    clock,
    events,
    function,
    gateway,
    gateway_calls,
    identity_provider,
    key,
    key_rights,
    logs,
    network,
    pars,
    secret,
    store,
    store_route,
)

STEPS: tuple[Step, ...] = (
    *clock.STEPS,
    *function.STEPS,
    *network.STEPS,
    *secret.STEPS,
    *bucket.STEPS,
    *pars.STEPS,
    *key.STEPS,
    *key_rights.STEPS,
    *gateway.STEPS,
    *certificate.STEPS,
    *identity_provider.STEPS,
    *gateway_calls.STEPS,
    *store.STEPS,
    *store_route.STEPS,
    *events.STEPS,
    *logs.STEPS,
)
"""In the order in which a request needs them."""
