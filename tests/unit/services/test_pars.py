"""`presign.services.pars`: the name of a pre-authenticated request tells who may revoke it, and nothing personal."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from presign.model.invocation import Principal
from presign.services.pars import ParName, is_open_upload, subject_digest

ALICE, BOB = Principal("gateway", {"sub": "alice"}), Principal("gateway", {"sub": "bob"})
NOBODY, DIRECT = Principal("gateway"), Principal("invoke")


def name(principal: Principal) -> ParName:
    return ParName("tag", principal.caller, subject_digest(principal.claims.get("sub")), "01CALL")


def test_the_name_is_written_and_read() -> None:
    written = str(name(ALICE))
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"alice").digest()).decode().rstrip("=")
    assert written == f"presign:tag:gateway:{digest}:01CALL"
    assert ParName.parse(written) == name(ALICE)
    assert str(name(DIRECT)) == "presign:tag:invoke::01CALL"


@pytest.mark.parametrize(
    "text", [None, "", "backup", "presign:tag:gateway:x", "other:t:gateway:x:y", "presign:t:x:y:z"]
)
def test_a_name_of_somebody_else(text: str | None) -> None:
    assert ParName.parse(text) is None


@pytest.mark.parametrize(
    ("owner", "principal", "may"),
    [
        (ALICE, ALICE, True),
        (ALICE, BOB, False),
        (ALICE, DIRECT, True),
        (ALICE, NOBODY, False),
        (NOBODY, NOBODY, False),
        (NOBODY, DIRECT, True),
        (DIRECT, ALICE, False),
        (DIRECT, NOBODY, False),
        (DIRECT, DIRECT, True),
    ],
)
def test_who_may_revoke(owner: Principal, principal: Principal, may: bool) -> None:
    assert name(owner).is_of(principal) is may


def listed(**members: Any) -> Any:
    return SimpleNamespace(
        **{
            "name": str(name(ALICE)),
            "access_type": "ObjectWrite",
            "object_name": "a",
            "time_created": datetime(2026, 1, 1, tzinfo=UTC),
            **members,
        }
    )


@pytest.mark.parametrize(
    ("par", "open_upload"),
    [
        (listed(), True),
        (listed(time_created=datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)), False),
        (listed(object_name="ab"), False),
        (listed(access_type="ObjectRead"), False),
        (listed(name="backup"), False),
        (listed(name=str(name(ALICE)).replace(":tag:", ":other:")), False),
    ],
)
def test_the_pars_that_an_upload_closes(par: Any, open_upload: bool) -> None:
    """A late or repeated event must not close a PAR that was given after the upload."""
    written_at = datetime(2026, 1, 1, tzinfo=UTC)
    assert is_open_upload(par, key="a", tag="tag", written_at=written_at) is open_upload
