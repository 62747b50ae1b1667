"""`presign.logs`: what must not be written is not written, whatever the level is."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from presign import logs


@pytest.fixture(autouse=True)
def _levels_put_back() -> Iterator[None]:
    level = logging.getLogger().level
    yield
    logging.getLogger().setLevel(level)


@pytest.mark.parametrize(
    "name", ["botocore.auth", "urllib3.connectionpool", "oci.base_client", "oci._vendor.urllib3", "fdk"]
)
def test_loggers_that_write_signatures_and_tokens_are_held_at_warning(name: str) -> None:
    logs.set_level("DEBUG")
    assert logging.getLogger("presign.app").isEnabledFor(logging.DEBUG)
    assert not logging.getLogger(name).isEnabledFor(logging.INFO)
    assert logging.getLogger(name).isEnabledFor(logging.WARNING)


def test_a_higher_level_holds_for_all() -> None:
    logs.set_level("ERROR")
    assert not logging.getLogger("botocore.auth").isEnabledFor(logging.WARNING)
    assert not logging.getLogger("presign.app").isEnabledFor(logging.WARNING)


def test_where_an_exception_was_raised_is_told_without_its_message() -> None:
    try:
        raise ValueError("the secret is hunter2")
    except ValueError as exc:
        told = logs.where_raised(exc)
    assert told.startswith("ValueError at ")
    assert "test_where_an_exception_was_raised" in told
    assert "hunter2" not in told
    assert "\n" not in told
