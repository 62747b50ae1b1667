"""The call behind a link that does not end."""

from __future__ import annotations

import pytest

from presign.calls.link import Redirect, link
from presign.problems import Problem
from support.fixed_service import FixedService

S3 = {"operations": ["read"], "bucket": "b", "prefix": "s3/", "max_expires_in": 60}
PAR = {**S3, "prefix": "par/", "via": "par"}
FIRST_BY_PAR = {**S3, "via": "par"}


def code(service: FixedService, key: str) -> str:
    answer = link(service.call({"operation": "get_object", "key": key}))
    assert isinstance(answer, Problem)
    return answer.code


def test_it_leads_to_a_presigned_url() -> None:
    service = FixedService([S3])
    answer = link(service.call({"operation": "get_object", "key": "s3/a"}))
    assert isinstance(answer, Redirect)
    assert answer.location.startswith("https://store.example.com/b/s3/a?X-Amz-")
    assert [(record["operation"], record["via"]) for record in service.records] == [("get_object", "s3")]


def test_a_rule_by_pre_authenticated_requests_is_passed_over() -> None:
    service = FixedService([FIRST_BY_PAR, S3])
    assert isinstance(link(service.call({"operation": "get_object", "key": "s3/a"})), Redirect)
    assert service.pars.created == []


@pytest.mark.parametrize(("key", "expected"), [("par/a", "invalid_request"), ("other/a", "access_denied")])
def test_a_refusal_is_recorded_once(key: str, expected: str) -> None:
    service = FixedService([S3, PAR])
    assert code(service, key) == expected
    [record] = service.records
    assert (record["code"], record["operation"], record["bucket"], record["key"]) == (expected, "get_object", "b", key)
    assert service.pars.created == []
