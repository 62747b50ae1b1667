"""The calls for one URL and for several."""

from __future__ import annotations

import json
import logging
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from presign.calls import presign
from presign.model.object_names import key_error
from presign.problems import InvalidRequest, PayloadTooLarge, Problem
from support.fixed_service import FixedService

S3 = {"operations": ["*"], "bucket": "b", "prefix": "s3/"}
PAR = {**S3, "prefix": "par/", "via": "par"}
LARGE = {"key": "s3/" + "\u00fc" * 510, "operation": "post_object"}
"""A form of this has 4,983 bytes with the comma after it."""


def batch(service: FixedService, *requests: dict[str, Any]) -> list[Any]:
    answer = presign.batch(service.call({"requests": requests}))
    results: list[Any] = json.loads(msgspec.json.encode(answer))["results"]
    return results


def size(service: FixedService, *requests: dict[str, Any]) -> int:
    return len(msgspec.json.encode(presign.batch(service.call({"requests": requests}))))


class TestOne:
    def test_a_url(self) -> None:
        service = FixedService([S3])
        answer = presign.one(service.call({"key": "s3/a"}))
        assert not isinstance(answer, Problem)
        assert answer.url.startswith("https://store.example.com/b/s3/a?X-Amz-Algorithm=AWS4-HMAC-SHA256&")
        assert [record["outcome"] for record in service.records] == ["granted"]
        assert "index" not in service.records[0]

    def test_a_refusal_is_recorded_once(self) -> None:
        service = FixedService([S3])
        answer = presign.one(service.call({"key": "other/a"}))
        assert isinstance(answer, Problem)
        assert answer.code == "access_denied"
        assert [(record["outcome"], record["code"]) for record in service.records] == [("refused", "access_denied")]

    def test_a_pre_authenticated_request(self) -> None:
        service = FixedService([PAR])
        answer = presign.one(service.call({"key": "par/a"}))
        assert not isinstance(answer, Problem)
        assert (answer.id, answer.via) == ("id1", "par")
        assert service.records[0]["id"] == "id1"


class TestSeveral:
    def test_each_has_its_result_in_the_same_order(self) -> None:
        service = FixedService([S3, PAR])
        results = batch(service, {"key": "s3/a"}, {"key": "par/b"}, {"key": "x"}, {"kay": "y"}, {"key": "s3/c"})
        assert [result.get("key") for result in results] == ["s3/a", "par/b", None, None, "s3/c"]
        assert [result["problem"]["code"] for result in results[2:4]] == ["access_denied", "invalid_request"]
        assert results[3]["problem"]["errors"][0]["pointer"].startswith("/requests/3/")
        assert [record["index"] for record in service.records] == [0, 1, 2, 3, 4]

    def test_twenty_pre_authenticated_requests_are_the_most(self) -> None:
        service = FixedService([PAR])
        batch(service, *[{"key": "par/a"}] * 20)
        assert len(service.pars.created) == 20
        with pytest.raises(InvalidRequest, match="asks for 21 pre-authenticated requests; 20 are allowed"):
            batch(service, *[{"key": "par/a"}] * 21)
        assert len(service.pars.created) == 20

    def test_without_a_key_each_signed_item_is_refused_and_the_cause_logged_once(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        service = FixedService([S3, PAR], key=None)
        with caplog.at_level(logging.ERROR):
            results = batch(service, {"key": "s3/a"}, {"key": "par/b"}, {"key": "s3/c"}, {"key": "x"})
        codes = [result.get("problem", {}).get("code") for result in results]
        assert codes == ["secret_unavailable", None, "secret_unavailable", "access_denied"]
        assert [record.getMessage() for record in caplog.records] == ["01CALL: Vault is down"]


class TestSize:
    """No answer is larger than a function may send, and a batch that is refused for it has left nothing."""

    def test_the_problem_tells_how_many_would_fit(self) -> None:
        service = FixedService([S3])
        with pytest.raises(PayloadTooLarge) as caught:
            batch(service, *[LARGE] * 1000)
        told = caught.value.details("01CALL").detail
        fitting = int(told.rpartition("first ")[2].partition(" ")[0])
        assert told == f"The answer would be larger than 6000000 bytes; the first {fitting} requests would fit."
        assert service.records == []
        assert size(service, *[LARGE] * fitting) <= 6_000_000
        assert size(service, *[LARGE] * fitting) + size(service, LARGE) - len('{"results":[]}') > 6_000_000

    def test_it_leaves_no_pre_authenticated_request(self) -> None:
        service = FixedService([S3, PAR])
        with pytest.raises(PayloadTooLarge):
            batch(service, {"key": "par/a"}, *[LARGE] * 999)
        assert service.pars.created == []
        assert service.records == []

    def test_room_is_kept_for_pre_authenticated_requests(self) -> None:
        service = FixedService([S3, PAR])
        with pytest.raises(PayloadTooLarge) as caught:
            batch(service, *[LARGE] * 1000)
        alone = int(str(caught.value).rpartition("first ")[2].partition(" ")[0])
        with pytest.raises(PayloadTooLarge) as caught:
            batch(service, *[{"key": "par/a"}] * 20, *[LARGE] * 980)
        with_pars = int(str(caught.value).rpartition("first ")[2].partition(" ")[0]) - 20
        kept = (alone - with_pars) * (size(service, LARGE) - len('{"results":[]}') + 1)
        assert 20 * 32 * 1024 - 10_000 < kept < 20 * 32 * 1024 + 10_000

    @given(
        st.text('a"\\ü😀%', min_size=1, max_size=300).filter(lambda key: not key_error(f"par/{key}")),
        st.dictionaries(st.from_regex(r"[a-z]{1,9}", fullmatch=True), st.text('a"\\', min_size=1, max_size=60)),
        st.text('a"\\', min_size=1, max_size=1024),
    )
    def test_no_answer_with_a_pre_authenticated_request_is_larger_than_its_room(
        self, key: str, metadata: dict[str, str], text: str
    ) -> None:
        service = FixedService([PAR])
        options = {"cache_control": text, "content_disposition": text, "content_encoding": text}
        for request in (
            {"operation": "put_object", "key": f"par/{key}", "metadata": metadata, **options},
            {"key": f"par/{key}", "response_cache_control": text, "response_content_language": text},
        ):
            assert size(service, request) < 32 * 1024
