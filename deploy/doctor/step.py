"""A step of the diagnosis looks at one thing, and ends with one finding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from deploy.doctor.finding import Finding
from deploy.doctor.tenancy import Tenancy

SECONDS_PER_STEP = 30.0
"""The longest that a step may take."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Args:
        group: the heading that it stands under.
        name: says what it looks at.
        look: looks at it, and gives the finding. Its exceptions become findings too, as `diagnosis` says.
        permission: lets an operator look, such as `inspect dynamic-groups in tenancy`.
    """

    group: str
    name: str
    look: Callable[[Tenancy], Finding]
    permission: str = ""
