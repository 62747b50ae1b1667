"""The probes say what a bad store does, and what follows for the policy."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from deploy.doctor.finding import Finding
from deploy.doctor.store import probes
from deploy.doctor.store.signed_bucket import SignedBucket
from deploy.doctor.store.trials import Trials
from deploy.doctor.web import NoAnswer
from local.server import Server
from presign.authorize.rules import Rule, parse_rules
from presign.issue.endpoint import StorageEndpoint
from presign.services.key import CustomerSecretKey
from support.bad_store import BadStore


def rules(*documents: dict[str, object]) -> list[Rule]:
    """Rules of a policy, all for one bucket."""
    parsed, errors = parse_rules(
        json.dumps({"rules": [{"bucket": "bucket", "prefix": "", **one} for one in documents]})
    )
    assert errors == []
    return parsed


EVERYTHING = rules({"operations": ["read"]}, {"operations": ["*"]})
READ = rules({"operations": ["read"]})


class Removals:
    """Removes objects of a bad store, or fails to."""

    def __init__(self, store: BadStore, *, may: bool = True) -> None:
        self.store = store
        self.may = may
        self.aborted: list[str] = []

    def delete_object(self, key: str) -> None:
        if not self.may:
            raise PermissionError
        del self.store.objects[f"/bucket/{key}"]

    def abort_uploads(self, key: str) -> None:
        self.aborted.append(key)


class Bad:
    """A bad store that runs."""

    def __init__(self, *ways: str) -> None:
        self.app = BadStore(*ways)
        self.server = Server(self.app)
        self.removals = Removals(self.app)
        self.bucket = SignedBucket(
            endpoint=StorageEndpoint.from_template(self.server.url, namespace="", region="r"),
            region="r",
            key=CustomerSecretKey("access", "secret"),
            name="bucket",
        )
        self.trials = Trials(self.bucket, prefix="trials", remover=self.removals)

    def probe(self, probe: Callable[..., Finding], policy: list[Rule] = EVERYTHING) -> Finding:
        """The finding of a probe that writes."""
        finding = probes.with_trials(self.trials, probe, policy)
        assert self.app.objects == {}
        return finding


@pytest.fixture
def bad() -> Iterator[Callable[..., Bad]]:
    """Starts bad stores."""
    with ExitStack() as stopping:

        def start(*ways: str) -> Bad:
            started = Bad(*ways)
            stopping.callback(started.server.stop)
            return started

        yield start


def test_a_store_that_replaces_objects(bad: Callable[..., Bad]) -> None:
    policy = rules({"operations": ["read"]}, {"operations": ["put_object"], "create_only": True})
    finding = bad("replaces").probe(probes.create_only, policy)
    assert finding.state == "wrong"
    assert "ignores If-None-Match" in finding.text
    assert finding.mend == "take create_only out of rule 1 of POLICY, and switch on the versioning of the bucket"
    assert bad("replaces").probe(probes.create_only, READ).state == "ok"
    assert bad().probe(probes.create_only, policy) == Finding(
        "ok", "The store obeys If-None-Match: *, so create_only holds."
    )


def test_a_store_that_refuses_conditions(bad: Callable[..., Bad]) -> None:
    finding = bad("no-conditions").probe(probes.create_only, rules({"operations": ["write"], "create_only": True}))
    assert finding.state == "wrong"
    assert finding.text == "The store refuses uploads with If-None-Match: * (501 NotImplemented)."


def test_a_store_that_copies_for_an_unsigned_header(bad: Callable[..., Bad]) -> None:
    store = bad("copies")
    finding = store.probe(probes.unsigned_copies)
    assert finding.state == "wrong"
    assert "(put_object, upload_part). Anyone who can upload can also read" in finding.text
    assert finding.mend == 'take put_object and upload_part out of rule 1 of POLICY, or set "via": "par" there'
    assert len(store.removals.aborted) == 1
    assert bad("copies").probe(probes.unsigned_copies, READ).state == "ok"
    assert bad().probe(probes.unsigned_copies) == Finding(
        "ok",
        "The store makes no copy for an x-amz-copy-source that nobody has signed "
        "(put_object: 403 AccessDenied; upload_part: 403 AccessDenied).",
    )


def test_a_refused_copy_proves_nothing_where_nothing_can_be_read(bad: Callable[..., Bad]) -> None:
    finding = bad("no-reads").probe(probes.unsigned_copies)
    assert finding.state == "unknown"
    assert "may not read objects there (403 AccessDenied)" in finding.text


@pytest.mark.parametrize(
    ("way", "text"),
    [
        ("no-forms", "The store takes no forms (405 MethodNotAllowed)."),
        ("forms", "The store takes a form that does not meet its conditions"),
    ],
)
def test_a_store_that_is_bad_at_forms(bad: Callable[..., Bad], way: str, text: str) -> None:
    finding = bad(way).probe(probes.forms)
    assert finding.state == "wrong"
    assert finding.text.startswith(text)
    assert finding.mend == "take post_object out of rule 1 of POLICY"
    assert bad(way).probe(probes.forms, READ).state == "ok"
    assert bad().probe(probes.forms) == Finding(
        "ok", "The store takes forms (post_object), and refuses one with too large a file."
    )


@pytest.mark.parametrize("probe", [probes.create_only, probes.unsigned_copies])
def test_nothing_is_said_about_a_store_where_nothing_can_be_written(
    bad: Callable[..., Bad], probe: Callable[..., Finding]
) -> None:
    finding = bad("no-uploads").probe(probe)
    assert finding == Finding(
        "unknown", "A plain upload to the prefix of --write in bucket gets 403 AccessDenied: nothing can be tried."
    )


def test_nothing_is_said_about_forms_where_nothing_can_be_written(bad: Callable[..., Bad]) -> None:
    assert bad("no-uploads", "no-forms").probe(probes.forms).state == "unknown"


def test_objects_that_can_not_be_deleted_are_named(bad: Callable[..., Bad]) -> None:
    store = bad()
    store.removals.may = False
    finding = probes.with_trials(store.trials, probes.create_only, EVERYTHING)
    assert finding.state == "ok"
    (key,) = store.app.objects
    assert key.startswith("/bucket/trials/presign-doctor-")
    assert finding.details == (f"Not deleted: {key[1:]}",)


def test_objects_are_deleted_when_a_probe_fails(bad: Callable[..., Bad]) -> None:
    store = bad()

    def failing(trials: Trials, _: list[Rule]) -> Finding:
        probes.create_only(trials, EVERYTHING)
        assert store.app.objects
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.probe(failing)
    assert store.app.objects == {}


@pytest.mark.parametrize(
    ("way", "text"),
    [("lists", "The store ignores list-type=2"), ("no-lists", "The store refuses list-type=2 (501 NotImplemented).")],
)
def test_a_store_without_the_second_version_of_lists(bad: Callable[..., Bad], way: str, text: str) -> None:
    finding = probes.listing(bad(way).bucket, EVERYTHING)
    assert finding.state == "wrong"
    assert finding.text.startswith(text)
    assert finding.mend == "take list_objects_v2 out of rule 1 of POLICY"
    assert probes.listing(bad(way).bucket, READ).state == "ok"
    assert probes.listing(bad().bucket, EVERYTHING).text == "The store knows list-type=2, so list_objects_v2 works."


def test_a_store_that_takes_no_url_of_seven_days(bad: Callable[..., Bad]) -> None:
    bucket = bad("expiry").bucket
    finding = probes.longest_expiry(bucket, max_expires_in=604_800)
    assert finding == Finding(
        "wrong",
        "The store takes URLs that are valid for 86400 seconds, not for seven days "
        "(400 AuthorizationQueryParametersError).",
        "set MAX_EXPIRES_IN to 86400 (docs/operations.md#change-a-setting)",
    )
    assert probes.longest_expiry(bucket, max_expires_in=3600).state == "ok"
    assert probes.longest_expiry(bad("no-reads").bucket, max_expires_in=3600).state == "unknown"
    assert probes.longest_expiry(bad().bucket, max_expires_in=604_800).text == (
        "The store takes URLs that are valid for seven days."
    )


def test_a_store_that_does_not_answer(bad: Callable[..., Bad]) -> None:
    store = bad()
    store.server.stop()
    text = f"127.0.0.1:{store.server.port} does not answer: ConnectionRefusedError"
    with pytest.raises(NoAnswer, match=text):
        probes.longest_expiry(store.bucket, max_expires_in=3600)
    assert probes.virtual_hosted([store.bucket], in_use=True) == Finding(
        "wrong",
        f"Virtual-hosted style does not work for bucket ({text}).",
        "make the bucket with the scope REGION or by the S3 API, or leave {bucket} out of STORAGE_ENDPOINT",
    )
