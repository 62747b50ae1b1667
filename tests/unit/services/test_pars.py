"""`presign.services.pars`: the name of a pre-authenticated request tells who may revoke it, and nothing personal.

Object Storage is asked for no more than is needed.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from local.api import json_answer
from local.server import Server, target
from presign.model.invocation import Principal
from presign.problems import SecretUnavailable
from presign.services.client import OciClient
from presign.services.pars import ParName, Pars, is_open_upload, subject_digest
from support.native_storage import NativeStorage
from support.store import BUCKET
from support.waiting import GIVE_UP_SECONDS

ALICE, BOB = Principal("gateway", {"sub": "alice"}), Principal("gateway", {"sub": "bob"})
ALICE_OF_A = Principal("gateway", {"sub": "alice", "iss": "https://a.example"})
ALICE_OF_B = Principal("gateway", {"sub": "alice", "iss": "https://b.example"})
NOBODY_OF_A = Principal("gateway", {"iss": "https://a.example"})
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
        (NOBODY, "presign:tag:gateway::01CALL"),
        (NOBODY_OF_A, "presign:tag:gateway::01CALL"),
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
        (NOBODY, NOBODY_OF_A, False),
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


class Running:
    """The PARs of a store, and the requests that it gets.

    Attributes:
        answers: to the next requests, in place of the store's own.
    """

    def __init__(self, native: NativeStorage) -> None:
        self.native = native
        self.requests: list[str] = []
        self.answers: list[Response] = []
        self.server = Server(self.answer)
        client = OciClient(vault_endpoint=None, object_storage_endpoint=self.server.url, clock=time.time)
        self.pars = Pars(client, namespace=lambda: "ns", tags=("tag",))

    def answer(self, request: Request) -> Response:
        self.requests.append(f"{request.method} {target(request)}")
        return self.answers.pop(0) if self.answers else self.native.storage(request)


@pytest.fixture
def running(native: NativeStorage) -> Iterator[Running]:
    it = Running(native)
    with it.server:
        yield it


class TestCreate:
    """The URL is the one that Object Storage gives, or else the path that it gives, at the endpoint."""

    def test_the_whole_url(self, running: Running) -> None:
        expires = datetime.now(UTC) + timedelta(hours=1)
        par_id, url = running.pars.create(
            BUCKET, name="a", access_type="ObjectRead", object_name="a", time_expires=expires
        )
        assert [par.id for par in running.pars.all(BUCKET)] == [par_id]
        assert re.fullmatch(rf"{running.server.url}/p/[^/]+/n/ns/b/{BUCKET}/o/a", url)

    def test_its_path_alone(self, running: Running) -> None:
        running.answers = [json_answer({"id": "1", "accessUri": "/p/t/n/ns/b/b/o/a"})]
        assert running.pars.create("b", name="a") == ("1", f"{running.server.url}/p/t/n/ns/b/b/o/a")

    @pytest.mark.parametrize("answer", [{}, {"id": "1"}, {"accessUri": "/p/t/n/ns/b/b/o/a"}])
    def test_an_answer_that_is_none(self, running: Running, answer: dict[str, str]) -> None:
        running.answers = [json_answer(answer)]
        with pytest.raises(SecretUnavailable, match="'s answer is no pre-authenticated request of the bucket b"):
            running.pars.create("b", name="a")

    def test_it_is_tried_once(self, running: Running) -> None:
        """A second try would leave a PAR alive that nobody knows, if only the answer to the first was lost."""
        running.answers = [json_answer({"code": "InternalServerError", "message": "No."}, status=500)]
        with pytest.raises(SecretUnavailable, match="500 InternalServerError, No"):
            running.pars.create("b", name="a")
        assert running.requests == ["POST /n/ns/b/b/p"]

    def test_twenty_can_be_created_side_by_side(self, running: Running) -> None:
        """Each call waits until all have begun."""
        begun = threading.Barrier(20, timeout=GIVE_UP_SECONDS)
        assert sorted(running.pars.executor.map(lambda _: begun.wait(), range(20))) == list(range(20))


class TestFind:
    """A PAR that is not there is none, if the function has the right to know."""

    @pytest.mark.parametrize("status", [400, 404])
    def test_none(self, running: Running, status: int) -> None:
        """An id that is not one is answered with 400."""
        running.answers = [json_answer({"code": "Code", "message": "No."}, status=status)]
        assert running.pars.find(BUCKET, "1") is None
        assert running.requests == [f"GET /n/ns/b/{BUCKET}/p/1", f"GET /n/ns/b/{BUCKET}/p?limit=1"]

    def test_the_right_is_missing(self, running: Running) -> None:
        running.native.storage.native.may_manage_pars = False
        with pytest.raises(SecretUnavailable, match="404 BucketNotFound"):
            running.pars.find(BUCKET, "1")

    def test_no_answer(self, running: Running) -> None:
        running.server.stop()
        with pytest.raises(SecretUnavailable, match=f"requests of the bucket {BUCKET}: RequestException, "):
            running.pars.find(BUCKET, "1")


class TestDelete:
    """A PAR that is gone already is looked for in a list of those for the same object."""

    @pytest.mark.parametrize(("object_name", "query"), [("a", "objectNamePrefix=a&limit=1000"), (None, "limit=1000")])
    def test_one_that_is_gone(self, running: Running, object_name: str | None, query: str) -> None:
        running.pars.delete(BUCKET, SimpleNamespace(id="1", object_name=object_name))
        assert running.requests == [f"DELETE /n/ns/b/{BUCKET}/p/1", f"GET /n/ns/b/{BUCKET}/p?{query}"]

    def test_one_that_is_left(self, running: Running) -> None:
        par = running.native.par()
        running.answers = [json_answer({"code": "NotAuthorizedOrNotFound", "message": "No."}, status=404)]
        with pytest.raises(SecretUnavailable, match="404 NotAuthorizedOrNotFound, No"):
            running.pars.delete(BUCKET, par)


def test_a_list_of_several_pages(running: Running) -> None:
    details = {"name": "a", "accessType": "ObjectRead", "objectName": "a", "timeExpires": "2999-01-01T00:00:00Z"}
    for _ in range(1001):
        running.native.storage.pars.create(BUCKET, json.dumps(details).encode())
    assert len(list(running.pars.all(BUCKET))) == 1001
    path = f"/n/ns/b/{BUCKET}/p"
    assert running.requests == [f"GET {path}?limit=1000", f"GET {path}?limit=1000&page=1000"]


def test_buckets_that_can_not_be_listed(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    running.native.storage.native.may_inspect_buckets = False
    assert running.pars.is_bucket_gone("gone", compartment="ocid1.compartment.oc1..x") is False
    assert running.requests == ["GET /n/ns/b?compartmentId=ocid1.compartment.oc1..x&limit=1000"]
    assert re.fullmatch(
        r"whether the bucket gone is gone can't be told: Object Storage did not list the buckets of the compartment "
        r"ocid1\.compartment\.oc1\.\.x: 404 NotAuthorizedOrNotFound, The compartment does not exist, or you are not "
        r"authorized\. \(opc-request-id \w+\); this IAM policy statement is likely missing: allow dynamic-group <the "
        r"function's> to inspect buckets in compartment id ocid1\.compartment\.oc1\.\.x",
        caplog.messages[0],
    )
