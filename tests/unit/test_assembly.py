"""`presign.assembly`: how long a call may take."""

from __future__ import annotations

from pathlib import Path

import pytest

from presign.assembly import Service
from presign.settings import Settings

SETTINGS = Settings.from_config({"SECRET_OCID": "ocid1.vaultsecret.oc1.x", "REGION": "eu-frankfurt-1"}, root=Path())


@pytest.mark.parametrize(
    ("deadline", "seconds"),
    [
        ("1970-01-01T00:16:43Z", 2.5),
        ("1970-01-01T01:16:43+01:00", 2.5),
        ("1970-01-01T00:16:40.5Z", 0),
        ("1970-01-01T00:16:40Z", -0.5),
        ("9999-12-31T23:59:59Z", 3599.5),
        ("", 10),
        ("soon", 10),
    ],
)
def test_half_a_second_is_kept_for_the_answer(deadline: str, seconds: float) -> None:
    """Without a deadline that can be read, a call may take ten seconds."""
    assert Service(SETTINGS, clock=lambda: 1000.0).seconds_left(deadline) == seconds
