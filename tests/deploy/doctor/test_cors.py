"""A preflight tells whether pages may upload, and what follows for the policy."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import pytest
from werkzeug.wrappers import Request, Response

from deploy.doctor.store.cors import par_finding, s3_finding
from local.server import Server
from presign.authorize.rules import Rule, parse_rules
from support.store import BUCKET, Store

ORIGIN = "https://app.example.com"


def rules(*documents: Mapping[str, object]) -> list[Rule]:
    """Rules of a policy, all for one prefix of one bucket unless they say otherwise."""
    parsed, errors = parse_rules(json.dumps({"rules": [{"bucket": "b", "prefix": "", **one} for one in documents]}))
    assert errors == []
    return parsed


UPLOAD = {"operations": ["put_object"]}
BY_PAR = {**UPLOAD, "via": "par"}


@pytest.fixture(scope="module")
def oci() -> Iterator[str]:
    """The URL of a store whose S3 API sends no CORS headers, as in OCI."""
    store = Store(namespace="ns")
    yield store.server.url
    store.server.stop()


@pytest.mark.parametrize(
    ("policy", "mend"),
    [
        ([UPLOAD], 'set "via": "par" in rule 0 of POLICY, or let pages send forms (post_object)'),
        ([{"operations": ["read"]}, {"operations": ["multipart"]}, {"operations": ["*"]}], "in rules 1 and 2 of"),
        ([{**BY_PAR, "prefix": "a/"}, UPLOAD], "in rule 1 of POLICY"),
        (
            [{**UPLOAD, "max_content_length": 5, "content_types": ["image/*"]}],
            "a PAR can't keep content_types, max_content_length, so check uploads",
        ),
    ],
)
def test_uploads_through_an_s3_api_without_cors(oci: str, policy: list[Mapping[str, object]], mend: str) -> None:
    finding = s3_finding(f"{oci}/{BUCKET}/a", origin=ORIGIN, rules=rules(*policy))
    assert finding.state == "wrong"
    assert finding.text == (
        f"The S3 API does not let pages of {ORIGIN} upload: "
        "its answer to the preflight lacks Access-Control-Allow-Origin."
    )
    assert mend in str(finding.mend)


@pytest.mark.parametrize(
    "policy",
    [
        [],
        [BY_PAR],
        [UPLOAD, BY_PAR],
        [{"operations": ["read", "post_object"]}],
        [{**UPLOAD, "callers": ["invoke"]}],
    ],
)
def test_nothing_is_wrong_if_no_page_needs_it(oci: str, policy: list[Mapping[str, object]]) -> None:
    finding = s3_finding(f"{oci}/{BUCKET}/a", origin=ORIGIN, rules=rules(*policy))
    assert finding.state == "ok"
    assert finding.text.endswith("lacks Access-Control-Allow-Origin. No rule depends on it.")


def test_an_s3_api_with_cors() -> None:
    store = Store(allowed_origins=[ORIGIN])
    url = f"{store.server.url}/{BUCKET}/a"
    policy = rules({**UPLOAD, "create_only": True})
    assert s3_finding(url, origin=ORIGIN, rules=policy).text == f"The S3 API lets pages of {ORIGIN} upload."
    assert s3_finding(url, origin="https://other.example.com", rules=policy).state == "wrong"
    store.server.stop()


def test_pars_let_every_page_upload(oci: str) -> None:
    finding = par_finding(f"{oci}/p/none/n/ns/b/{BUCKET}/o/a", origin=ORIGIN, rules=rules(BY_PAR))
    assert finding.state == "ok"
    assert 'use "via": "par" for uploads by browsers' in finding.text


ALLOWED = {
    "Access-Control-Allow-Origin": ORIGIN,
    "Access-Control-Allow-Methods": "GET, PUT",
    "Access-Control-Allow-Headers": "Content-Type",
}


BY_S3 = 'set "via": "s3" in rule 0 of POLICY, and let pages send forms (post_object)'


@pytest.mark.parametrize(
    ("changes", "status", "lacking", "mend"),
    [
        (
            {"Access-Control-Allow-Origin": "https://other.example.com"},
            200,
            f"Access-Control-Allow-Origin for {ORIGIN}",
            BY_S3,
        ),
        ({"Access-Control-Allow-Methods": "GET"}, 200, "Access-Control-Allow-Methods with PUT", BY_S3),
        (
            {"Access-Control-Allow-Headers": "x-other"},
            200,
            "Access-Control-Allow-Headers with content-type",
            "let pages send the content as an ArrayBuffer and without headers, which needs no preflight",
        ),
        ({}, 403, "a status of 200 to 299 (it is 403)", BY_S3),
    ],
)
def test_each_lacking_part_is_told(changes: dict[str, str], status: int, lacking: str, mend: str) -> None:
    def answer(_: Request) -> Response:
        return Response(status=status, headers={**ALLOWED, **changes})

    with Server(answer) as server:
        finding = par_finding(f"{server.url}/p/none", origin=ORIGIN, rules=rules(BY_PAR))
        assert finding.state == "wrong"
        assert finding.text.endswith(f"lacks {lacking}.")
        assert finding.mend == mend
        assert par_finding(f"{server.url}/p/none", origin=ORIGIN, rules=rules(UPLOAD)).state == "ok"


def test_a_refusal_of_a_par_that_does_not_exist_proves_nothing() -> None:
    with Server(lambda _: Response(status=401, headers=ALLOWED)) as server:
        finding = par_finding(f"{server.url}/p/none", origin=ORIGIN, rules=rules(BY_PAR))
    assert finding.state == "unknown"
