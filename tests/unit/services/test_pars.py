"""`presign.services.pars`: the name of a pre-authenticated request tells who may revoke it, and nothing personal."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from presign.model.invocation import Principal
from presign.services.pars import ParName, is_open_upload, subject_digest

ALICE, BOB = Principal("gateway", {"sub": "alice"}), Principal("gateway", {"sub": "bob"})
ALICE_OF_A = Principal("gateway", {"sub": "alice", "iss": "https://a.example"})
ALICE_OF_B = Principal("gateway", {"sub": "alice", "iss": "https://b.example"})
NOBODY, DIRECT = Principal("gateway"), Principal("invoke")


def name(principal: Principal) -> ParName:
    subject = subject_digest(principal.claims.get("sub"), principal.claims.get("iss"))
    return ParName("tag", principal.caller, subject, "01CALL")


@pytest.mark.parametrize(
    ("principal", "written"),
    [
        (ALICE, "presign:tag:gateway:K9gGyX8OAK8aH8Myj6djqSaXI8jbj6xPk69x2xhtbpA:01CALL"),
        (
            ALICE_OF_A,
            "presign:tag:gateway:K9gGyX8OAK8aH8Myj6djqSaXI8jbj6xPk69x2xhtbpA"
            ".OGEsllqcTDXXE0OZGYBK2WDrVNCtQbQ2L_2FND1Lu08:01CALL",
        ),
        (DIRECT, "presign:tag:invoke::01CALL"),
    ],
)
def test_the_name_is_written_and_read(principal: Principal, written: str) -> None:
    assert str(name(principal)) == written
    assert ParName.parse(written) == name(principal)


@pytest.mark.parametrize("call_id", ["01CALL", "a:b", ":", "", "a\nb", "presign:other:invoke::x"])
def test_a_call_id_may_hold_anything(call_id: str) -> None:
    given = ParName("tag", "gateway", subject_digest("alice"), call_id)
    assert ParName.parse(str(given)) == given
    assert given.is_of(ALICE)
    assert not given.is_of(BOB)


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
        (ALICE_OF_A, ALICE_OF_A, True),
        (ALICE_OF_A, ALICE_OF_B, False),
        (ALICE_OF_A, ALICE, False),
        (ALICE, ALICE_OF_A, True),
        (ALICE_OF_A, DIRECT, True),
        (NOBODY, Principal("gateway", {"iss": "https://a.example"}), False),
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
        (listed(name=str(name(ALICE)).replace(":tag:", ":earlier:")), True),
        (listed(name=str(name(ALICE)).replace(":tag:", ":other:")), False),
    ],
)
def test_the_pars_that_an_upload_closes(par: Any, open_upload: bool) -> None:
    """A late or repeated event must not close a PAR that was given after the upload."""
    written_at = datetime(2026, 1, 1, tzinfo=UTC)
    assert is_open_upload(par, key="a", tags=("tag", "earlier"), written_at=written_at) is open_upload
