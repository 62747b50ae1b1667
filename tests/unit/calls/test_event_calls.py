"""`presign.calls.events`: a failure belongs to its event, a refusal is final, and the deadline is kept."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from local.api import Fault
from local.identity.resource_principal import COMPARTMENT_OCID
from presign.app import App
from support.in_process import InProcess
from support.native_storage import NativeStorage
from support.store import BUCKET

READ = {"operations": ["read"], "bucket": BUCKET, "prefix": "", "max_expires_in": 60}
ONCE = {"operations": ["put_object"], "bucket": BUCKET, "prefix": "once/", "via": "par", "single_use": True}
OF_DELETED = [{**READ, "bucket": "deleted"}, {**ONCE, "bucket": "deleted"}]


@pytest.fixture
def function(native: NativeStorage) -> Iterator[InProcess]:
    with InProcess(native, READ, ONCE, *OF_DELETED) as it:
        yield it


def event(
    key: str = "a.txt",
    *,
    number: int = 1,
    bucket: str = BUCKET,
    version_id: str | None = None,
    compartment_id: str | None = None,
) -> Any:
    details = {"bucketName": bucket} if version_id is None else {"bucketName": bucket, "versionId": version_id}
    return {
        "eventType": "com.oraclecloud.objectstorage.createobject",
        "eventTime": (datetime.now(UTC) + timedelta(seconds=1)).isoformat(),
        "eventID": f"event-{number}",
        "data": {"compartmentId": compartment_id, "resourceName": key, "additionalDetails": details},
    }


def delivered(function: InProcess) -> list[dict[str, Any]]:
    """The messages in the queue, by the number of their events."""
    messages = [json.loads(message.content) for message in function.queue.messages]
    return sorted(messages, key=lambda message: int(message["event"]["eventID"].partition("-")[2]))


def ids(function: InProcess) -> list[str]:
    return [message["event"]["eventID"] for message in delivered(function)]


def closed(function: InProcess) -> list[tuple[str, str, str, int | None]]:
    """The records of uploads that were closed: bucket, key, outcome and number."""
    found = [record for record in function.records if record["event"] == "close_uploads"]
    return [(one["bucket"], one["key"], one["outcome"], one.get("deleted")) for one in found]


class TestFailures:
    """One event that fails keeps no other from its end."""

    def test_the_bucket_of_one_is_gone(self, function: InProcess, caplog: pytest.LogCaptureFixture) -> None:
        """A list of the compartment's buckets, of more than a page, shows it."""
        [upload] = function.make_pars(1, key="once/a")
        for number in range(1001):
            function.storage.create_bucket(f"another-{number}")
        gone = event("once/b", number=2, bucket="deleted", compartment_id=COMPARTMENT_OCID)
        status, answer = function.invoke([event(), gone, event("once/a", number=3)])
        assert (status, len(answer["results"])) == (200, 3)
        assert ids(function) == ["event-1", "event-2", "event-3"]
        assert upload not in {par.id for par in function.live()}
        assert closed(function) == [("deleted", "once/b", "granted", 0), (BUCKET, "once/a", "granted", 1)]
        assert caplog.messages == []

    def test_the_bucket_of_a_par_is_gone(self, native: NativeStorage) -> None:
        by_par = {**READ, "bucket": "deleted", "via": "par"}
        with InProcess(native, READ, by_par) as function:
            gone = event("b", number=2, bucket="deleted", compartment_id=COMPARTMENT_OCID)
            status, answer = function.invoke([event(), gone])
            assert (status, len(answer["results"])) == (200, 2)
            assert ids(function) == ["event-1"]
            assert function.invoke([event(), event("b", bucket="deleted")])[0] == 502
            native.storage.native.may_inspect_buckets = False
            assert function.invoke([event(), gone])[0] == 502

    @pytest.mark.parametrize("body", [event(), [event()]], ids=["one", "a list"])
    def test_a_setting_that_is_wrong(self, function: InProcess, body: Any) -> None:
        """The sender sends the events again, until somebody has mended it."""
        app = function.another(REGION="nowhere")
        assert function.invoke(body, app=app)[0] == 502
        assert function.invoke({"key": "a.txt"}, app=app)[0] == 500

    def test_a_list_that_is_too_long(self, function: InProcess, caplog: pytest.LogCaptureFixture) -> None:
        assert function.invoke([event()] * 1001)[0] == 400
        [text] = caplog.messages
        assert "list of events refused: " in text
        assert "1000" in text

    def test_a_bucket_that_is_there_on_the_last_page(self, function: InProcess) -> None:
        for number in range(1001):
            function.storage.create_bucket(f"a-{number}")
        function.storage.native.may_manage_pars = False
        assert function.invoke([event("once/a", compartment_id=COMPARTMENT_OCID)])[0] == 502

    def test_whether_a_bucket_is_gone_can_not_be_told(
        self, function: InProcess, caplog: pytest.LogCaptureFixture
    ) -> None:
        function.storage.native.may_inspect_buckets = False
        assert function.invoke(event("once/b", bucket="deleted", compartment_id=COMPARTMENT_OCID))[0] == 502
        assert any("404 BucketNotFound" in text and "PAR_MANAGE" in text for text in caplog.messages)
        assert any(
            text.startswith("whether the bucket deleted is gone can't be told: ")
            and text.endswith(
                f"allow dynamic-group <the function's> to inspect buckets in compartment id {COMPARTMENT_OCID}"
            )
            for text in caplog.messages
        )

    def test_a_bucket_of_an_unknown_compartment(self, function: InProcess, caplog: pytest.LogCaptureFixture) -> None:
        [upload] = function.make_pars(1, key="once/a")
        status, problem = function.invoke(
            [event(), event("once/b", number=2, bucket="deleted"), event("once/a", number=3)]
        )
        assert (status, problem["code"]) == (502, "internal_error")
        assert ids(function) == ["event-1", "event-2", "event-3"]
        assert upload not in {par.id for par in function.live()}
        assert closed(function) == [("deleted", "once/b", "failed", None), (BUCKET, "once/a", "granted", 1)]
        assert any("404 BucketNotFound" in text and "PAR_MANAGE" in text for text in caplog.messages)

    def test_one_that_is_refused_is_final(self, function: InProcess) -> None:
        status, answer = function.invoke([event(), event(number=2, bucket="forbidden"), event("once/a", number=3)])
        assert (status, ["url" in result for result in answer["results"]]) == (200, [True, False, True])
        assert ids(function) == ["event-1", "event-3"]

    def test_a_refusal_tells_its_place_in_the_list(self, function: InProcess) -> None:
        status, answer = function.invoke([event(), event("/a")])
        [error] = answer["results"][1]["problem"]["errors"]
        assert (status, error["pointer"]) == (200, "/1/data/resourceName")

    @pytest.mark.parametrize("time", [None, "yesterday", "2026-11-27T12:00:00"])
    def test_one_without_a_time_closes_nothing_and_the_log_tells(
        self, function: InProcess, time: str | None, caplog: pytest.LogCaptureFixture
    ) -> None:
        function.make_pars(1, key="once/a")
        assert function.invoke({**event("once/a"), "eventTime": time})[0] == 200
        assert len(function.live()) == 1
        told = f"event 'event-1' does not tell when '{BUCKET}/once/a' was written, so no upload is closed"
        assert caplog.messages == [told]

    def test_an_upload_that_is_gone_already_is_final(self, function: InProcess) -> None:
        function.make_pars(1, key="once/a")
        function.storage.fault = Fault(status=404, api="native", method="DELETE", is_carried_out=True)
        assert function.invoke([event("once/a")])[0] == 200

    @pytest.mark.parametrize("status", [401, 403, 404])
    def test_a_right_that_is_missing(self, function: InProcess, status: int, caplog: pytest.LogCaptureFixture) -> None:
        function.make_pars(1, key="once/a")
        function.storage.fault = Fault(status=status, api="native", method="DELETE")
        assert function.invoke([event("once/a"), event(number=2)])[0] == 502
        assert ids(function) == ["event-1", "event-2"]
        assert any(": this IAM policy statement" in text or "; this IAM policy" in text for text in caplog.messages)
        assert len(function.live()) == 1

    def test_a_queue_that_fails(self, function: InProcess, caplog: pytest.LogCaptureFixture) -> None:
        [upload] = function.make_pars(1, key="once/a")
        function.queue.fault = Fault(status=500)
        assert function.invoke([event("once/a")])[0] == 502
        assert "1: no message was delivered for the events 'event-1'" in caplog.messages
        assert upload not in {par.id for par in function.live()}


class TestDeadline:
    """The answer comes in time, and tells that events are left."""

    @pytest.mark.parametrize("count", [1, 100])
    def test_a_store_that_does_not_answer(self, function: InProcess, count: int) -> None:
        function.invoke(event())
        released = threading.Event()
        function.storage.fault = Fault(until=released, api="native")
        try:
            status, _ = function.invoke([event("once/a", number=number) for number in range(count)], seconds=2.5)
            assert status == 502
            assert not released.is_set()
        finally:
            released.set()
        assert len(ids(function)) == 1 + count
        assert [outcome for _, _, outcome, _ in closed(function)] == ["failed"] * count

    def test_a_queue_that_does_not_answer(self, function: InProcess, caplog: pytest.LogCaptureFixture) -> None:
        """The log names all events that may have no message."""
        function.invoke(event())
        released = threading.Event()
        function.queue.fault = Fault(until=released)
        try:
            assert function.invoke([event(number=number) for number in range(100)], seconds=2.5)[0] == 502
            assert not released.is_set()
        finally:
            released.set()
        told = "".join(text for text in caplog.messages if "no message was delivered for the events " in text)
        assert [number for number in range(100) if f"'event-{number}'" not in told] == []

    def test_nothing_goes_on_after_it(self, function: InProcess) -> None:
        """The next call needs the threads, of which there are 20."""
        function.invoke(event())
        for number in range(20):
            function.make_pars(40, key=f"once/{number}")
        function.storage.fault = Fault(delay_seconds=0.2, api="native", method="DELETE")
        events = [event(f"once/{number}", number=number) for number in range(20)]
        assert function.invoke(events, seconds=2)[0] == 502
        assert 0 < len(function.live()) < 800
        assert function.invoke({"operation": "put_object", "key": "once/next"}, seconds=3)[0] == 200
        assert [outcome for _, _, outcome, _ in closed(function)] == ["failed"] * 20

    def test_many_are_closed_side_by_side(self, function: InProcess) -> None:
        function.storage.fault = Fault(delay_seconds=0.05, api="native")
        status, answer = function.invoke([event("once/a", number=number) for number in range(100)], seconds=60)
        assert (status, len(answer["results"])) == (200, 100)
        assert ids(function) == [f"event-{number}" for number in range(100)]


class TestPars:
    """Events of a rule that gives PARs: each has one, and what is left at the deadline is sent again."""

    @pytest.fixture
    def by_pars(self, function: InProcess) -> App:
        return function.another(POLICY=json.dumps({"rules": [{**READ, "via": "par"}, ONCE]}))

    def test_a_long_list(self, function: InProcess, by_pars: App) -> None:
        function.make_pars(1, key="once/0")  # it is closed
        status, answer = function.invoke([event(f"once/{number}", number=number) for number in range(50)], app=by_pars)
        assert (status, {result["via"] for result in answer["results"]}) == (200, {"par"})
        assert ids(function) == [f"event-{number}" for number in range(50)]
        made = {record["id"] for record in function.records if record["event"] == "presign"}
        assert {par.id for par in function.live()} == made
        assert len(made) == 50

    def test_none_is_begun_after_the_deadline(self, function: InProcess, by_pars: App) -> None:
        function.storage.fault = Fault(delay_seconds=0.6, api="native", method="POST")
        # 20 at a time, so there is time for 60 at most.
        status, _ = function.invoke([event(number=number) for number in range(100)], seconds=2, app=by_pars)
        assert status == 502
        assert 0 < function.storage.requests <= 60

    def test_none_is_made_if_the_deadline_has_passed(self, function: InProcess, by_pars: App) -> None:
        function.invoke(event(), app=by_pars)
        requests = function.storage.requests
        assert function.invoke([event(number=number) for number in range(5)], seconds=-1, app=by_pars)[0] == 502
        assert function.storage.requests == requests
        assert len(function.live()) == 1

    def test_none_while_the_clock_is_ahead_of_the_deadline(self, function: InProcess) -> None:
        """An event is delivered by a message, or closes an upload; either needs time."""
        assert function.invoke(event())[0] == 200  # it has the key then
        function.make_pars(1, key="once/a")
        for document in (event(), event("once/a")):
            assert function.invoke(document, seconds=-3600)[0] == 502
        assert ids(function) == ["event-1"]
        assert len(function.live()) == 1

    def test_no_more_threads(self, function: InProcess, by_pars: App, monkeypatch: pytest.MonkeyPatch) -> None:
        start_any = threading.Thread.start

        def start(thread: threading.Thread) -> None:
            if thread.name.startswith("ThreadPoolExecutor"):
                raise RuntimeError("can't start new thread")
            start_any(thread)

        function.invoke(event(), app=by_pars)
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", start)
            assert function.invoke([event(number=number) for number in range(3)], app=by_pars)[0] == 502
        recorded = [record.get("id") for record in function.records if record["event"] == "presign"]
        assert {par.id for par in function.live()} == {par_id for par_id in recorded if par_id}
        assert len(recorded) == 5  # one more is for the call that failed


class TestVersion:
    """A URL is for the version that the event tells of."""

    def version_of(self, url: str) -> list[str] | None:
        return parse_qs(urlsplit(url).query).get("versionId")

    def test_the_url_has_it(self, function: InProcess) -> None:
        _, answer = function.invoke(event(version_id="0f3a-1"))
        assert self.version_of(answer["url"]) == ["0f3a-1"]
        assert self.version_of(delivered(function)[0]["answer"]["url"]) == ["0f3a-1"]
        assert function.records[0]["options"] == {"version_id": "0f3a-1"}

    @pytest.mark.parametrize("version_id", [None, ""])
    def test_an_event_without_one(self, function: InProcess, version_id: str | None) -> None:
        assert self.version_of(function.invoke(event(version_id=version_id))[1]["url"]) is None

    def test_a_par_can_not_be_bound_to_it(self, function: InProcess) -> None:
        by_pars = function.another(POLICY=json.dumps({"rules": [{**READ, "via": "par"}]}))
        status, answer = function.invoke(event(version_id="v1"), app=by_pars)
        assert (status, answer["via"]) == (200, "par")

    def test_a_rule_that_can_is_taken_before_one_that_can_not(self, function: InProcess) -> None:
        both = function.another(POLICY=json.dumps({"rules": [{**READ, "via": "par"}, READ]}))
        assert function.invoke(event(version_id="v1"), app=both)[1]["via"] == "s3"
        assert function.invoke(event(), app=both)[1]["via"] == "par"


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (event("/a.txt"), f"'{BUCKET}//a.txt' refused: The request is not valid; /data/resourceName: must not begin"),
        (event("a/../b"), f"'{BUCKET}/a/../b' refused: "),
        (event("a\nb"), rf"'{BUCKET}/a\nb' refused: "),
        (event("ü\t"), rf"'{BUCKET}/\xfc\t' refused: "),
        (event("x" * 1025), "refused: The request is not valid; /data/resourceName: must be 1 to 1024 bytes of UTF-8"),
        ({"eventType": "other"}, "'None/None' refused: "),
        (7, "no object refused: "),
    ],
)
@pytest.mark.parametrize("in_stream", [False, True])
def test_an_object_that_can_not_be_signed_is_refused_in_the_log(
    function: InProcess, document: Any, told: str, in_stream: bool, caplog: pytest.LogCaptureFixture
) -> None:
    if in_stream:
        value = base64.b64encode(json.dumps(document).encode()).decode()
        document = {"stream": "s", "value": value}
    status, answer = function.invoke([document, event(number=2)])
    assert (status, ["url" in result for result in answer["results"]]) == (200, [False, True])
    assert ids(function) == ["event-2"]
    [message] = [message for message in caplog.messages if "refused" in message]
    assert told in message


def test_an_object_whose_name_is_too_long_for_a_par_is_refused_in_the_log(
    function: InProcess, caplog: pytest.LogCaptureFixture
) -> None:
    bucket = "b" * 256
    by_par = {"operations": ["read"], "bucket": bucket, "prefix": "", "via": "par", "max_expires_in": 60}
    app = function.another(POLICY=json.dumps({"rules": [by_par]}))
    status, answer = function.invoke([event("ü" * 512, bucket=bucket)], app=app)
    assert (status, answer["results"][0]["problem"]["code"]) == (200, "invalid_request")
    [message] = caplog.messages
    assert message.startswith(rf"1: event of '{bucket}/\xfc")
    assert "refused: The request is not valid; /key: is too long for a PAR" in message
