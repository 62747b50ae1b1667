"""A tenancy in which all is right, and one for each way to be wrong, which exactly one step sees."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from werkzeug.wrappers import Request

from deploy import doctor, statements
from deploy.doctor.diagnosis import findings_of
from deploy.doctor.finding import Finding
from deploy.doctor.step import Step
from deploy.doctor.steps import STEPS
from deploy.doctor.tenancy import Tenancy
from local.api import ApiError, not_found
from support.oci_answers import (
    ACCESS_KEY_ID,
    APPLICATION,
    BUCKET,
    CLAIMS_KEY,
    COMPARTMENT,
    DEPLOYMENT,
    DYNAMIC_GROUP,
    EVENTS_RULE,
    FUNCTION,
    GROUP,
    HOME_REGION,
    LOG,
    LOG_GROUP,
    NAMESPACE,
    OF_USERS,
    REGION,
    RULES,
    SECRET,
    SECRET_ACCESS_KEY,
    SIGNER,
    TENANCY,
    TOPIC,
    ago,
    of_compartment,
)
from support.oci_services import Case, World
from support.s3_endpoint import bucket_not_found

BUNDLE = f"GET /20190301/secretbundles/{SECRET}"
KEYS = f"GET /20160918/users/{SIGNER}/customerSecretKeys"
SEARCH = "POST /20190909/search"
LIFECYCLE = f"GET /n/{NAMESPACE}/b/{BUCKET}/l"


NEED_OPTIONS = {
    "gateway: token",
    "gateway: call with a token",
    "gateway: version of the function",
    "store: uploads by pages through the S3 API",
    "store: uploads by pages through PARs",
    "store: virtual-hosted style",
    "store: create_only",
    "store: unsigned x-amz-copy-source",
    "store: forms",
    "store route: specification",
    "store route: way to the store",
    "store route: refusals",
    "store route: pages of an origin",
    "store route: awkward keys",
    "store route: requests and answers",
}
"""The steps that need --origin, --token-file, --write, or STORE_ROUTE, or a store that is one of OCI."""


def examine(world: World, *, seconds: float = 30) -> dict[str, Finding]:
    """The findings by `group: name`."""
    found = findings_of(STEPS, world.tenancy(), seconds=seconds)
    return {f"{step.group}: {step.name}": finding for step, finding in found}


def log_line(message: str, *, function: str = FUNCTION, **units: float) -> dict[str, object]:
    """A line of the function's log, as Log Search gives it; so long ago.

    The members of `data` are those in Fn's own ConnectorHubCoercionTest (package com.fnproject.events).
    """
    data = {"applicationId": APPLICATION, "functionId": function, "message": message, "src": "STDERR"}
    content = {"data": data, "type": "com.oraclecloud.functions.application.functioninvoke"}
    seconds = sum(value * {"minutes": 60, "hours": 3600}[unit] for unit, value in units.items())
    return {"data": {"datetime": int((time.time() - seconds) * 1000), "logContent": content}}


def test_all_is_right(world: World) -> None:
    found = examine(world)
    assert {name: finding for name, finding in found.items() if finding.state not in ("ok", "skipped")} == {}
    assert {name for name, finding in found.items() if finding.state == "skipped"} == NEED_OPTIONS


def _set(**settings: str) -> Callable[[World], object]:
    return lambda world: world.services.config.update(settings)


def _answer(key: str, document: object) -> Callable[[World], object]:
    return lambda world: world.services.answers.__setitem__(key, document)


def _all_of(*changes: Callable[[World], object]) -> Callable[[World], object]:
    return lambda world: [change(world) for change in changes]


def _action(world: World) -> dict[str, object]:
    """The action of the rule of the Events service."""
    action: dict[str, object] = world.services.answers[f"GET /20181201/rules/{EVENTS_RULE}"]["actions"]["actions"][0]
    return action


def _forget_key(world: World) -> None:
    world.s3.keys.clear()


def _elsewhere(world: World) -> None:
    """Let the function sign for the home region, where the bucket is not."""
    world.services.config["REGION"] = HOME_REGION
    world.services.answers[f"{HOME_REGION} GET /n/{NAMESPACE}/b/{BUCKET}"] = bucket_not_found()
    world.s3.region = HOME_REGION
    world.s3.buckets.clear()


CASES = {
    "the clock": Case(
        lambda world: setattr(world.api_key, "ahead_seconds", 3600.0),
        "clock: this machine",
        r"^It is (1:00:0\d|0:59:5\d) \(h:mm:ss\) behind that of OCI",
        "chronyc makestep",
    ),
    "a function that is not active": Case(
        lambda world: world.services.function.update(lifecycleState="FAILED"),
        "function: state",
        r"^presign is FAILED, so nobody can call it\.$",
        "make deploy",
    ),
    "a function that is being updated": Case(
        lambda world: world.services.function.update(lifecycleState="UPDATING"),
        "function: state",
        r"^presign is UPDATING: wait\.$",
        "",
        "unknown",
    ),
    "settings": Case(
        _set(SIGNER="v5", MAX_EXPIRES_IN="0", SECRET_OCID="ocid1.vault.oc1..a"),
        "function: settings",
        r"^The settings have 3 errors, so each call ends in 500\.$",
        "docs/operations.md#change-a-setting",
    ),
    "no policy": Case(
        _set(POLICY=""), "function: settings", r"^POLICY is not set", "--config file://settings.json --force"
    ),
    "4 KB": Case(
        _set(ROTATED_AT="x" * 4096), "function: size of the configuration", r"^It has 4\d{3} bytes", "POLICY="
    ),
    "a secret that will be deleted": Case(
        _all_of(
            lambda world: world.services.secret.update(lifecycleState="PENDING_DELETION"),
            _answer(BUNDLE, not_found()),
        ),
        "secret: state",
        r"^presign-key will be deleted",
        f"oci vault secret cancel-secret-deletion --region {REGION} --secret-id {SECRET}",
    ),
    "a secret whose deletion is being cancelled": Case(
        lambda world: world.services.secret.update(lifecycleState="CANCELLING_DELETION"),
        "secret: state",
        r"^presign-key is CANCELLING_DELETION: wait\.$",
        "",
        "unknown",
    ),
    "a secret that was deleted": Case(
        _all_of(lambda world: world.services.secret.update(lifecycleState="DELETED"), _answer(BUNDLE, not_found())),
        "secret: state",
        r"^presign-key is DELETED\.$",
        "set SECRET_OCID",
    ),
    "a secret without a version": Case(
        _all_of(lambda world: world.services.secret.update(currentVersionNumber=None), _answer(BUNDLE, not_found())),
        "secret: content",
        r"^The secret has no current version\.$",
        f"oci vault secret update-base64 --region {REGION} --secret-id {SECRET}",
    ),
    "a secret that is no JSON": Case(
        lambda world: world.services.put_secret(f"{ACCESS_KEY_ID}:{SECRET_ACCESS_KEY}"),
        "secret: content",
        r"is not a JSON object with the texts access_key_id and secret_access_key",
        f"oci vault secret update-base64 --region {REGION} --secret-id {SECRET}",
    ),
    "no dynamic group": Case(
        _answer("GET /20160918/dynamicGroups", []),
        "secret: dynamic group",
        r"^No dynamic group of the identity domain Default has the function",
        f"oci iam dynamic-group create --region {HOME_REGION} --name presign-function --description "
        '"Has the function that presigns URLs" --matching-rule '
        f"\"ALL {{resource.type = 'fnfunc', resource.id = '{FUNCTION}'}}\"",
    ),
    "no statement for the secret": Case(
        lambda world: world.services.policies(without="secret-bundles"),
        "secret: the function may read it",
        r"^No statement gives the function SECRET_BUNDLE_READ",
        f"allow dynamic-group presign-function to read secret-bundles in compartment id {COMPARTMENT} "
        f"where target.secret.id = '{SECRET}'",
    ),
    "another namespace": Case(
        _set(NAMESPACE="other"),
        "bucket: namespace",
        rf"^NAMESPACE is other, but the tenancy's namespace is {NAMESPACE}\.$",
        f"set NAMESPACE to {NAMESPACE}",
    ),
    "no bucket": Case(
        _all_of(_answer(f"GET /n/{NAMESPACE}/b/{BUCKET}", bucket_not_found()), lambda world: world.s3.buckets.clear()),
        "bucket: there",
        rf"^{BUCKET} is not in {REGION}, or you lack the permission: read buckets in the bucket's compartment\.$",
        "",
        "unknown",
    ),
    "the bucket in another region": Case(
        _elsewhere,
        "bucket: there",
        rf"^{BUCKET} is in {REGION}, but the function signs for {HOME_REGION}\.$",
        f"set REGION to {REGION}",
    ),
    "no events": Case(
        lambda world: world.services.bucket.update(objectEventsEnabled=False),
        "bucket: events",
        rf"^{BUCKET} emits no events of its objects, though DELIVER_TO is set\.$",
        f"oci os bucket update --region {REGION} --name {BUCKET} --object-events-enabled true",
    ),
    "no events for a single use": Case(
        _all_of(
            _set(
                DELIVER_TO="",
                POLICY=json.dumps({"rules": [{**RULES[0], "operations": ["put_object"], "single_use": True}]}),
            ),
            lambda world: world.services.bucket.update(objectEventsEnabled=False),
        ),
        "bucket: events",
        rf"^{BUCKET} emits no events of its objects, though a rule is single_use\.$",
        f"oci os bucket update --region {REGION} --name {BUCKET} --object-events-enabled true",
    ),
    "no lifecycle rule": Case(
        # A 404; no source was found for its code
        _answer(LIFECYCLE, ApiError(404, "LifecyclePolicyNotFound", "The lifecycle policy does not exist.")),
        "bucket: unfinished uploads",
        rf"^{BUCKET} keeps the parts of unfinished uploads for ever",
        f"oci os object-lifecycle-policy put --region {REGION} --bucket-name {BUCKET} --items",
    ),
    "no right to make PARs": Case(
        lambda world: world.services.policies(without="PAR_MANAGE"),
        "bucket: the function may make PARs",
        r"^No statement gives the function PAR_MANAGE",
        f"allow dynamic-group presign-function to manage buckets in compartment id {COMPARTMENT} where all "
        f"{{request.permission = 'PAR_MANAGE', target.bucket.name = '{BUCKET}'}}",
    ),
    "no right to do what PARs are for": Case(
        lambda world: world.services.policies(without=f"dynamic-group id {DYNAMIC_GROUP} to manage objects"),
        "bucket: the function may make PARs",
        r"^No statement gives the function OBJECT_CREATE, OBJECT_INSPECT, OBJECT_OVERWRITE, OBJECT_READ",
        "allow dynamic-group presign-function to manage objects",
    ),
    "the fingerprint of an API key": Case(
        lambda world: world.services.put_secret(
            json.dumps({"access_key_id": ":".join(["0a"] * 16), "secret_access_key": "x"})
        ),
        "secret: content",
        r"^access_key_id is the fingerprint of an API key",
        f"oci vault secret update-base64 --region {REGION} --secret-id {SECRET}",
    ),
    "an auth token": Case(
        lambda world: world.services.put_secret(
            json.dumps({"access_key_id": "alice@example.com", "secret_access_key": "Ab>1(c{d2)E:f;3Gh[4i"})
        ),
        "secret: content",
        r"perhaps an auth token or a user name",
        f"oci vault secret update-base64 --region {REGION} --secret-id {SECRET}",
    ),
    "an inactive key": Case(
        _all_of(lambda world: world.services.customer_secret_key.update(lifecycleState="INACTIVE"), _forget_key),
        "key: owner",
        r"^The key of presign-signer is INACTIVE\.$",
        f"(umask 077; oci iam customer-secret-key create --region {HOME_REGION} --user-id {SIGNER} "
        f"--display-name presign-2 > key.json)\noci vault secret update-base64 --region {REGION} --secret-id {SECRET} ",
    ),
    "an expired key": Case(
        _all_of(lambda world: world.services.customer_secret_key.update(timeExpires=ago(hours=1)), _forget_key),
        "key: owner",
        r"^The key of presign-signer has expired on \d{4}-\d\d-\d\d\.$",
        f"oci iam customer-secret-key create --region {HOME_REGION} --user-id {SIGNER}",
    ),
    "a deleted key": Case(
        _all_of(_answer(KEYS, []), _forget_key),
        "key: owner",
        r"^No user of the identity domain Default has this key; it may have been deleted\.$",
        f"oci iam customer-secret-key create --region {HOME_REGION} --user-id <OCID of the signing user> ",
    ),
    "an old key": Case(
        lambda world: world.services.customer_secret_key.update(timeCreated=ago(days=91.5)),
        "key: age",
        r"^The key is 91 days old; replace it after 90 days\. No URL fails meanwhile\.$",
        "make rotate (docs/operations.md#replace-the-customer-secret-key)",
        "warning",
    ),
    "a young key": Case(
        _all_of(lambda world: world.services.customer_secret_key.update(timeCreated=ago(seconds=60)), _forget_key),
        "key: signature, and right to list",
        r"^The key is \d\d seconds old, and Object Storage does not know it yet\.$",
        "wait ",
        "unknown",
    ),
    "the rights of a young user": Case(
        _all_of(
            lambda world: world.services.customer_secret_key.update(timeCreated=ago(seconds=60)),
            lambda world: world.s3.refused.add("GET"),
        ),
        "key: signature, and right to list",
        rf"^The key is \d\d seconds old, and its user may not list {BUCKET} yet\.$",
        "wait ",
        "unknown",
    ),
    "a key with another secret": Case(
        lambda world: world.s3.keys.update({ACCESS_KEY_ID: "another"}),
        "key: signature, and right to list",
        r"^SignatureDoesNotMatch in every region",
        f"oci vault secret update-base64 --region {REGION} --secret-id {SECRET}",
    ),
    "the wrong region in the scope": Case(
        lambda world: setattr(world.s3, "region", HOME_REGION),
        "key: signature, and right to list",
        rf"^The credential scope has the wrong region: Object Storage accepts {HOME_REGION}, not {REGION}\.$",
        f"set REGION to {HOME_REGION}",
    ),
    "no right to list": Case(
        lambda world: world.s3.refused.add("GET"),
        "key: signature, and right to list",
        rf"^Object Storage accepts the signature, but does not let the signing user list {BUCKET}\.$",
        f"allow group presign-signers to manage objects in compartment id {COMPARTMENT} where all "
        f"{{target.bucket.name = '{BUCKET}', any {{request.permission = 'OBJECT_CREATE', ",
    ),
    "no right to upload": Case(
        lambda world: world.services.policies(without="'OBJECT_CREATE', request.permission = 'OBJECT_DELETE'"),
        "key: the signing user may use objects",
        r"^No statement gives the signing user OBJECT_CREATE, OBJECT_DELETE, OBJECT_INSPECT, OBJECT_OVERWRITE, "
        rf"OBJECT_READ, so Object Storage refuses URLs for {BUCKET}\.$",
        f"allow group presign-signers to manage objects in compartment id {COMPARTMENT} where all ",
    ),
    "an empty secret": Case(
        lambda world: world.services.answers[BUNDLE].pop("secretBundleContent"),
        "secret: content",
        r"is not a JSON object with the texts access_key_id and secret_access_key",
        f"oci vault secret update-base64 --region {REGION} --secret-id {SECRET}",
    ),
    "a second key, and an inactive one": Case(
        _all_of(
            lambda world: world.services.customer_secret_key.update(lifecycleState="INACTIVE"),
            lambda world: world.services.answers[KEYS].append({**world.services.customer_secret_key, "id": "another"}),
            _forget_key,
        ),
        "key: owner",
        r"^The key of presign-signer is INACTIVE\.$",
        f"oci iam customer-secret-key delete --region {HOME_REGION} --user-id {SIGNER} --customer-secret-key-id "
        f"{ACCESS_KEY_ID}\n(umask 077; oci iam customer-secret-key create ",
    ),
    "no rule of the Events service": Case(
        _answer("GET /20181201/rules", []),
        "events: a rule calls the function",
        rf"^No rule of the Events service calls the function for events of {BUCKET}; a connector",
        f"oci events rule create --region {REGION} --compartment-id {COMPARTMENT} --is-enabled true",
        "unknown",
    ),
    "a rule of the Events service for another function": Case(
        lambda world: _action(world).update(functionId="ocid1.fnfunc.oc1.eu-frankfurt-1.another"),
        "events: a rule calls the function",
        r"^No rule of the Events service calls the function",
        f'"functionId": "{FUNCTION}"',
        "unknown",
    ),
    "a disabled rule of the Events service": Case(
        _answer(
            "GET /20181201/rules",
            [{"id": EVENTS_RULE, "displayName": "new-photos", "isEnabled": False, "lifecycleState": "INACTIVE"}],
        ),
        "events: a rule calls the function",
        r"^The rule new-photos, which calls the function, is disabled\.$",
        f"oci events rule update --region {REGION} --rule-id {EVENTS_RULE} --is-enabled true",
    ),
    "no right to put messages": Case(
        lambda world: world.services.policies(without="queue-push"),
        "events: the function may deliver",
        r"^No statement gives the function QUEUE_PRODUCE",
        f"allow dynamic-group presign-function to use queue-push in compartment id {COMPARTMENT} where ",
    ),
    "no right to publish": Case(
        _set(DELIVER_TO=TOPIC),
        "events: the function may deliver",
        r"^No statement gives the function ONS_TOPIC_PUBLISH",
        f"allow dynamic-group presign-function to use ons-topics in compartment id {COMPARTMENT} where "
        "request.permission = 'ONS_TOPIC_PUBLISH'",
    ),
    "the function's log is off": Case(
        lambda world: world.services.logs[0].update(isEnabled=False),
        "logs: the function's",
        r"^Off: invoke",
        f"oci logging log update --region {REGION} --log-group-id {LOG_GROUP} --log-id {LOG} --is-enabled true",
    ),
    "the gateway has no logs": Case(
        lambda world: world.services.logs.__delitem__(slice(1, None)),
        "logs: the gateway's",
        r"^Off: access and execution",
        f'"service": "apigateway", "resource": "{DEPLOYMENT}", "category": "execution"',
    ),
    "the function's clock": Case(
        lambda world: world.services.found_in_log(
            log_line(
                "01ABC - presign.services.clock - ERROR - The clock of this machine is 0:10:00 (h:mm:ss) ahead of "
                "that of OCI. OCI and Object Storage refuse what is signed at the wrong time.",
                minutes=5,
            )
        ),
        "logs: the function's clock",
        r"UTC the function's clock was 0:10:00 \(h:mm:ss\) ahead of that of OCI\.$",
        'fn config function presign presign ROTATED_AT "$(date -u +%FT%TZ)"',
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_one_thing_is_wrong(case: Case, world: World) -> None:
    case.change(world)
    found = examine(world)
    seen = {name for name, finding in found.items() if finding.state == case.state}
    assert seen == {case.step}, {name: finding for name, finding in found.items() if finding.state != "ok"}
    assert {finding.state for finding in found.values()} <= {"ok", "skipped", "unknown", case.state}
    if case.state == "unknown":
        assert "wrong" not in {finding.state for finding in found.values()}
    finding = found[case.step]
    assert re.search(case.text, finding.text), finding.text
    assert case.mend in (finding.mend or ""), finding.mend


def _any_user(world: World) -> None:
    """Give the function its rights without a dynamic group."""
    policies = "GET /20160918/policies"
    (policy,) = world.services.answers[policies](SimpleNamespace(args={"compartmentId": TENANCY}))
    subject, where = f"dynamic-group id {DYNAMIC_GROUP}", "where all {request.principal.type = 'fnfunc', "
    policy["statements"] = [
        f"{line.replace(subject, 'any-user').replace('where ', where, 1)}}}" if subject in line else line
        for line in policy["statements"]
    ]
    world.services.answers[policies] = of_compartment([policy])


def test_rights_without_a_dynamic_group(world: World) -> None:
    _any_user(world)
    world.services.answers["GET /20160918/dynamicGroups"] = []
    found = examine(world)
    assert {name: finding for name, finding in found.items() if finding.state not in ("ok", "skipped")} == {}
    assert {name for name, finding in found.items() if finding.state == "skipped"} == NEED_OPTIONS


def test_a_denial_to_the_dynamic_group_is_seen_where_any_user_has_the_right(world: World) -> None:
    _any_user(world)
    (policy,) = world.services.answers["GET /20160918/policies"](SimpleNamespace(args={"compartmentId": TENANCY}))
    policy["statements"].append("deny dynamic-group presign-function to read secret-bundles in tenancy")
    assert examine(world)["secret: the function may read it"].state == "unknown"


def test_a_right_that_lacks_without_a_dynamic_group(world: World) -> None:
    _any_user(world)
    world.services.answers["GET /20160918/dynamicGroups"] = []
    world.services.config["DELIVER_TO"] = TOPIC
    wrong = {name for name, finding in examine(world).items() if finding.state == "wrong"}
    assert wrong == {"events: the function may deliver"}


def _other_domain(world: World) -> None:
    domain = {"compartmentId": TENANCY, "displayName": "Partners", "type": "SECONDARY"}
    world.services.answers["GET /20160918/domains"] = of_compartment([domain])


def test_a_dynamic_group_of_another_domain(world: World) -> None:
    _other_domain(world)
    world.services.answers["GET /20160918/dynamicGroups"] = []
    found = examine(world)
    assert found["secret: dynamic group"] == Finding(
        "unknown",
        "No dynamic group of the identity domain Default has the function; one of another domain may: Partners.",
    )
    assert found["secret: the function may read it"].state == "unknown"  # by the OCID of a group that is not listed
    assert "wrong" not in {finding.state for finding in found.values()}


def test_domains_that_the_operator_may_not_list(world: World) -> None:
    world.services.answers["GET /20160918/domains"] = not_found()
    world.services.answers["GET /20160918/dynamicGroups"] = []
    found = examine(world)
    assert found["secret: dynamic group"].state == "unknown"
    assert "wrong" not in {finding.state for finding in found.values()}


def test_a_signing_user_of_another_domain(world: World) -> None:
    world.services.answers[KEYS] = []
    found = examine(world)
    assert found["key: owner"] == Finding(
        "unknown",
        "No user of the identity domain Default has this key, but Object Storage accepts it: its user is in another "
        "domain.",
    )
    assert "wrong" not in {finding.state for finding in found.values()}
    world.s3.keys.clear()
    _other_domain(world)
    assert examine(world)["key: owner"] == Finding(
        "unknown", "No user of the identity domain Default has this key; one of another domain may: Partners."
    )


def _signer_may(world: World, *permissions: str) -> None:
    """Give the signing user these permissions, and no others on objects."""
    world.services.policies(without="'OBJECT_CREATE', request.permission = 'OBJECT_DELETE'")
    (policy,) = world.services.answers["GET /20160918/policies"](SimpleNamespace(args={"compartmentId": TENANCY}))
    policy["statements"].append(
        statements.signer_may_use_objects(
            group=f"id {GROUP}", compartment=f"id {COMPARTMENT}", buckets=[BUCKET], permissions=permissions
        )
    )
    world.services.answers["GET /20160918/policies"] = of_compartment([policy])


@pytest.mark.parametrize(
    ("rule", "permissions", "missing"),
    [
        ({"operations": ["get_object"]}, ["OBJECT_READ"], ""),
        ({"operations": ["list_objects_v2"]}, ["OBJECT_READ"], "OBJECT_INSPECT"),
        ({"operations": ["put_object"]}, ["OBJECT_CREATE"], "OBJECT_OVERWRITE"),
        ({"operations": ["put_object"], "create_only": True}, ["OBJECT_CREATE"], ""),
        ({"operations": ["delete_object"]}, ["OBJECT_CREATE", "OBJECT_READ"], "OBJECT_DELETE"),
        ({"operations": ["copy_object"]}, ["OBJECT_CREATE", "OBJECT_READ"], "OBJECT_OVERWRITE"),
    ],
)
def test_the_rights_of_the_signing_user(
    rule: dict[str, object], permissions: list[str], missing: str, world: World
) -> None:
    policy = json.dumps({"rules": [{"bucket": BUCKET, "prefix": "", **rule}]})
    world.services.config.update(POLICY=policy, DELIVER_TO="")
    _signer_may(world, *permissions)
    finding = examine(world)["key: the signing user may use objects"]
    assert finding.state == ("wrong" if missing else "ok"), finding
    assert f"gives the signing user {missing}," in finding.text or not missing


def test_only_rules_that_list_need_the_right_to_list(world: World) -> None:
    policy = json.dumps({"rules": [{"operations": ["get_object"], "bucket": BUCKET, "prefix": ""}]})
    world.services.config.update(POLICY=policy, DELIVER_TO="")
    world.s3.refused.add("GET")
    found = examine(world)["key: signature, and right to list"]
    assert found == Finding("ok", "Object Storage accepts the signature.")


def test_a_list_is_tried_with_the_prefix_of_its_rule(world: World) -> None:
    world.s3.listed_prefix = "users/"
    assert examine(world)["key: signature, and right to list"].state == "ok"
    world.s3.listed_prefix = "other/"
    assert examine(world)["key: signature, and right to list"].state == "wrong"


def test_a_region_that_fails_accepts_nothing(world: World) -> None:
    world.s3.keys[ACCESS_KEY_ID] = "another"
    world.s3.failing_region = HOME_REGION
    assert examine(world)["key: signature, and right to list"].text.startswith("SignatureDoesNotMatch in every region")


def test_one_of_several_groups_is_not_named(world: World) -> None:
    world.services.answers["GET /20160918/userGroupMemberships"].append(
        {"id": "ocid1.groupmembership.oc1..b", "compartmentId": TENANCY, "groupId": "staff", "userId": SIGNER}
    )
    world.services.answers["GET /20160918/groups/staff"] = {"id": "staff", "name": "staff", "compartmentId": TENANCY}
    world.s3.refused.add("GET")
    mend = examine(world)["key: signature, and right to list"].mend or ""
    assert mend.startswith("allow group <a group with presign-signer> to manage objects ")


def test_no_right_to_list_of_an_owner_whom_nobody_may_tell(world: World) -> None:
    world.services.answers["GET /20160918/users"] = not_found()
    world.s3.refused.add("GET")
    mend = examine(world)["key: signature, and right to list"].mend or ""
    assert mend.startswith("allow group <the signing user's group> to manage objects ")


def test_iam_is_asked_in_the_home_region(world: World) -> None:
    of_iam = re.compile(r"GET /20160918/(compartments|dynamicGroups|policies|domains|users|userGroup|groups)")
    for key in [key for key in world.services.answers if of_iam.match(key)]:
        world.services.answers[f"{HOME_REGION} {key}"] = world.services.answers.pop(key)
    found = examine(world)
    assert {name for name, finding in found.items() if finding.state != "ok"} == NEED_OPTIONS


def test_iam_is_asked_in_the_functions_region_if_the_home_is_unknown(world: World) -> None:
    world.services.answers[f"GET /20160918/tenancies/{TENANCY}/regionSubscriptions"] = not_found()
    found = examine(world)
    assert {name for name, finding in found.items() if finding.state != "ok"} == NEED_OPTIONS


def test_the_region_of_vault(world: World) -> None:
    world.services.config["VAULT_ENDPOINT"] = f"https://secrets.vaults.{HOME_REGION}.oci.oraclecloud.com"
    for key in (BUNDLE, f"GET /20180608/secrets/{SECRET}"):
        world.services.answers[f"{HOME_REGION} {key}"] = world.services.answers.pop(key)
    found = examine(world)
    assert {name for name, finding in found.items() if finding.state != "ok"} == NEED_OPTIONS


def test_all_errors_of_the_settings_are_told(world: World) -> None:
    CASES["settings"].change(world)
    names = [detail.partition(":")[0] for detail in examine(world)["function: settings"].details]
    assert names == ["/MAX_EXPIRES_IN", "/SECRET_OCID", "/SIGNER"]


def test_the_age_of_a_key_whose_owner_nobody_may_tell(world: World) -> None:
    """It counts from the moment when the key was put into the secret."""
    world.services.answers["GET /20160918/users"] = not_found()
    world.services.answers[BUNDLE]["timeCreated"] = ago(days=90.5)
    assert examine(world)["key: age"] == Finding("ok", "The key is 90 days old.")


def test_a_young_key_whose_owner_nobody_may_tell(world: World) -> None:
    world.services.answers["GET /20160918/users"] = not_found()
    world.services.answers[BUNDLE]["timeCreated"] = ago(seconds=60)
    world.s3.keys.clear()
    found = examine(world)
    assert found["key: owner"].state == "unknown"
    assert found["key: signature, and right to list"].state == "unknown"
    assert found["key: signature, and right to list"].text.endswith("old, and Object Storage does not know it yet.")
    assert "wrong" not in {finding.state for finding in found.values()}


def test_a_rule_that_is_there_stays_in_the_command(world: World) -> None:
    archive = {"name": "old", "action": "ARCHIVE", "target": "objects", "isEnabled": True, "timeAmount": 90}
    world.services.answers[LIFECYCLE]["items"] = [{**archive, "timeUnit": "DAYS"}]
    mend = examine(world)["bucket: unfinished uploads"].mend or ""
    items = json.loads(mend.partition("--items ")[2].strip("'"))
    assert [item["name"] for item in items] == ["old", "unfinished-uploads"]


def test_the_policy_in_the_package(world: World, tmp_path: Path) -> None:
    rules = json.loads(world.services.config["POLICY"])["rules"]
    world.services.config["POLICY"] = "file:policy-of-a-test.json"
    found = examine(world)
    assert found["function: settings"].text == (
        "They are right, as far as they are here: file:policy-of-a-test.json is in the package."
    )
    assert found["bucket: there"].state == "ok"  # the default bucket
    assert found["bucket: the function may make PARs"] == Finding(
        "skipped", "The policy is a file of the function's package; --stack DIR tells where it is."
    )
    (tmp_path / "policy-of-a-test.json").write_text(json.dumps({"rules": rules}), encoding="utf-8")
    world.apply_stack()
    tenancy = world.tenancy(function=None, stack=tmp_path)
    taken = findings_of(STEPS, tenancy)
    assert {f"{one.group}: {one.name}" for one, finding in taken if finding.state != "ok"} == NEED_OPTIONS


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (
            {"sourceType": "ARCHIVE", "sourceCodeSha256": "0f" * 32},
            f"ok: It is an archive whose SHA-256 is {'0f' * 32}.",
        ),
        (
            {"sourceType": "CONTAINER_IMAGE", "image": "fra.ocir.io/axexample/presign:0.2.0"},
            "ok: It is the image fra.ocir.io/axexample/presign:0.2.0.",
        ),
        ({"sourceType": "ARCHIVE"}, "skipped: OCI does not tell which image or archive it is."),
    ],
)
def test_what_is_deployed(world: World, source: dict[str, str], told: str) -> None:
    world.services.function["sourceDetails"] = source
    found = examine(world)["function: package"]
    assert f"{found.state}: {found.text}" == told


def test_the_configuration_of_the_application_has_a_size_of_its_own(world: World) -> None:
    world.services.answers[f"GET /20260325/applications/{APPLICATION}"]["config"] = {"NOTE": "x" * 4096}
    assert examine(world)["function: size of the configuration"].state == "ok"


def test_the_policy_in_this_clone_is_named(world: World, tmp_path: Path) -> None:
    (tmp_path / "policy.json").write_text(world.services.config["POLICY"], encoding="utf-8")
    world.services.config["POLICY"] = f"file:{tmp_path}/policy.json"
    finding = examine(world)["function: settings"]
    assert finding.state == "ok"
    assert finding.details == (
        f"POLICY is file:{tmp_path}/policy.json, read from this clone: the function's package may have another.",
    )


def test_a_policy_without_presigned_urls_needs_no_key(world: World) -> None:
    rules = [rule for rule in json.loads(world.services.config["POLICY"])["rules"] if rule.get("via") == "par"]
    world.services.config.update(POLICY=json.dumps({"rules": rules}), SECRET_OCID="", DELIVER_TO="")
    found = examine(world)
    for name, finding in found.items():
        if name in NEED_OPTIONS:
            continue
        needs_key = name.startswith(("key: ", "store: ")) or (
            name.startswith("secret: ") and name != "secret: dynamic group"
        )
        reasons = {
            "events: a rule calls the function": "No rule of POLICY needs the events of a bucket that it names.",
            "events: the function may deliver": "DELIVER_TO is not set.",
        }
        reason = reasons.get(name, "No rule needs a customer secret key.")
        is_skipped = needs_key or name.startswith("events: ")
        assert finding.state == ("skipped" if is_skipped else "ok"), (name, finding)
        assert not is_skipped or finding.text == reason


# The step that first needs an answer, and the permission without which OCI gives 404
PERMISSIONS = {
    f"GET /20260325/functions/{FUNCTION}": ("function: state", "read fn-function"),
    f"GET /20260325/applications/{APPLICATION}": ("function: settings", "read fn-app"),
    f"GET /20180608/secrets/{SECRET}": ("secret: state", "read secrets"),
    BUNDLE: ("secret: content", "read secret-bundles"),
    "GET /20160918/dynamicGroups": ("secret: dynamic group", "inspect dynamic-groups in tenancy"),
    "GET /20160918/policies": ("secret: the function may read it", "inspect policies in tenancy"),
    KEYS: ("key: owner", "read users in tenancy"),
    "GET /20181201/rules": ("events: a rule calls the function", "read cloudevents-rules"),
    "GET /20200531/logGroups": ("logs: the function's", "read log-groups"),
    SEARCH: ("logs: the function's errors", "read log-content"),
}


@pytest.mark.parametrize("key", PERMISSIONS)
def test_a_permission_that_the_operator_lacks(key: str, world: World) -> None:
    world.services.answers[key] = not_found()
    found = examine(world)
    step, permission = PERMISSIONS[key]
    assert found[step].state == "unknown"
    assert re.fullmatch(
        rf"OCI answers 404 NotAuthorizedOrNotFound: it does not exist, or you lack the permission: .*{permission}.*\.",
        found[step].text,
    )
    assert "wrong" not in {finding.state for finding in found.values()}


def test_credentials_that_oci_refuses(world: World) -> None:
    world.api_key.key_id = f"{TENANCY}/another/key"
    found = examine(world)
    assert found["function: state"] == Finding(
        "unknown",
        "OCI answers 401 NotAuthenticated: it refuses your own credentials, or this machine's clock is wrong.",
    )
    assert "wrong" not in {finding.state for finding in found.values()}


def test_credentials_that_are_missing(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCI_CLI_CONFIG_FILE", str(tmp_path / "none"))
    found = examine(world)
    assert found.pop("clock: this machine").text.startswith(
        "Your credentials can't be used: Could not find config file at "
    )
    assert {finding.state for finding in found.values()} == {"skipped"}


def test_a_service_that_hangs(world: World) -> None:
    world.services.hanging.add(f"GET /20180608/secrets/{SECRET}")
    found = examine(world, seconds=4)
    assert found["secret: state"] == Finding("unknown", "It took longer than 4 seconds.")
    # A later step does not wait for it again.
    assert found["secret: the function may read it"] == Finding(
        "skipped", "Not checked, as the secret could not be read."
    )
    assert found["secret: content"].state == "ok"


NOWHERE = "https://nowhere.invalid"
NO_ADDRESS = "nowhere.invalid has no address: this machine is offline, its DNS fails, or the name or the region in it"


def _deployed_at(url: str) -> Callable[[World], object]:
    return lambda world: world.services.answers[f"GET /20190501/deployments/{DEPLOYMENT}"].update(endpoint=url)


def _keys_at(url: str) -> Callable[[World], object]:
    def change(world: World) -> None:
        specification = world.services.answers[f"GET /20190501/deployments/{DEPLOYMENT}"]["specification"]
        policy = specification["requestPolicies"]["authentication"]["validationPolicy"]
        policy["uri"] = f"{url}/jwk"
        policy["additionalValidationPolicy"]["issuers"] = [url]

    return change


@pytest.mark.parametrize(
    ("change", "steps"),
    [
        (_deployed_at(NOWHERE), {"gateway: call without a token"}),
        (_keys_at(NOWHERE), {"gateway: keys that verify tokens", "gateway: discovery document"}),
        (
            _set(STORAGE_ENDPOINT=NOWHERE),
            {
                "key: signature, and right to list",
                "store: list-type=2",
                "store: URLs valid for seven days",
            },
        ),
        (_set(STORE_ROUTE=NOWHERE), {"store route: way to the store", "store route: refusals"}),
    ],
)
def test_a_host_name_without_an_address(change: Callable[[World], object], steps: set[str], world: World) -> None:
    change(world)
    found = examine(world)
    assert {name for name, finding in found.items() if finding.text.startswith(NO_ADDRESS)} == steps
    assert {found[name].state for name in steps} == {"unknown"}
    assert "wrong" not in {finding.state for finding in found.values()}


SERVICES = (
    "Deployment Events FunctionsManagement Gateway Identity LogSearch LoggingManagement ObjectStorage QueueAdmin "
    "Secrets Vaults VirtualNetwork"
)


@pytest.mark.parametrize("service", SERVICES.split())
def test_a_service_whose_host_name_has_no_address(service: str, world: World) -> None:
    endpoints = {**world.endpoints(), f"{service}Client": NOWHERE}
    tenancy = Tenancy(world.tenancy().arguments, endpoints=endpoints, environment={}, state=world.state)
    told = [finding for _, finding in findings_of(STEPS, tenancy) if finding.text.startswith(NO_ADDRESS)]
    assert told
    assert {finding.state for finding in told} == {"unknown"}


def test_a_page_of_an_origin_whose_store_has_no_address(world: World) -> None:
    world.services.config["STORAGE_ENDPOINT"] = NOWHERE
    steps = [step for step in STEPS if step.name == "uploads by pages through the S3 API"]
    ((_, finding),) = findings_of(steps, world.tenancy(origin="https://app.example.com"))
    assert finding.state == "unknown"
    assert finding.text.startswith(NO_ADDRESS)


def test_secrets_that_can_not_be_told_do_not_stop_the_others(world: World) -> None:
    tenancy = world.tenancy()
    tenancy.function.known["the config"] = {"CLAIMS_KEY": None}
    steps = [Step("group", name, lambda _: Finding("ok", "text")) for name in ("a", "b")]
    told = [finding for _, finding in findings_of(steps, tenancy)]
    assert told == [Finding("unknown", "It failed with AttributeError.")] * 2


def test_a_matching_rule_that_is_not_understood(world: World) -> None:
    group = world.services.answers["GET /20160918/dynamicGroups"][0]
    group["matchingRule"] = "ALL {resource.type = 'fnfunc', tag.team.name.value = 'files'}"
    found = examine(world)
    assert found["secret: dynamic group"].state == "unknown"
    assert found["secret: dynamic group"].details == (f"presign-function: {group['matchingRule']}",)
    assert found["secret: the function may read it"].state == "unknown"
    assert "wrong" not in {finding.state for finding in found.values()}


def test_the_last_errors_of_the_function(world: World) -> None:
    world.services.found_in_log(
        log_line("FunctionInvokeImageNotAvailable: Failed to pull function image", minutes=2),
        log_line("01ABC - presign.problems - ERROR - 01ABC: Vault did not give the secret", hours=3),
    )
    finding = examine(world)["logs: the function's errors"]
    assert finding.state == "wrong"
    assert finding.text.startswith("2 errors in 24 hours, the latest at ")
    assert finding.text.endswith(": the image is gone, or the function's subnet has no way to the registry.")
    assert [detail.split(" ", 2)[2] for detail in finding.details] == [
        "FunctionInvokeImageNotAvailable: Failed to pull function image",
        "presign.problems - ERROR - 01ABC: Vault did not give the secret",
    ]


REFUSED = (
    "01ABC - presign.problems - ERROR - 01ABC: Vault did not give ocid1.vaultsecret.oc1..a: 404 "
    "NotAuthorizedOrNotFound, Authorization failed (opc-request-id A)"
)
FAILED = "01ABC - presign.services.cache - WARNING - Vault did not give ocid1.vaultsecret.oc1..a: {}"


def test_vault_has_refused(world: World) -> None:
    world.services.found_in_log(log_line(REFUSED, minutes=2), log_line(REFUSED, hours=2), log_line("- ERROR - a"))
    finding = examine(world)["logs: refusals of Vault"]
    assert finding.state == "wrong"
    assert re.fullmatch(
        r"Vault refused the secret 2 times in 24 hours, the latest at [\d-]{10} .{8} UTC\.", finding.text
    )
    assert finding.mend == "the steps of the secret have the cause and the statement"
    assert finding.details == (REFUSED.removeprefix("01ABC - "),)


def test_vault_has_refused_hours_ago(world: World) -> None:
    world.services.found_in_log(*[log_line(REFUSED, hours=2)] * 100)
    finding = examine(world)["logs: refusals of Vault"]
    assert finding.state == "unknown"
    assert finding.text.startswith("Vault refused the secret at least 100 times in 24 hours, the latest at ")
    assert finding.text.endswith(" UTC: the cause may be mended by now.")


@pytest.mark.parametrize(
    "cause", ["503 ServiceUnavailable, a", "429 TooManyRequests, a", "408 RequestTimeout, a", "ConnectTimeout, a"]
)
def test_vault_has_failed(cause: str, world: World) -> None:
    world.services.found_in_log(log_line(FAILED.format(cause), minutes=2))
    finding = examine(world)["logs: refusals of Vault"]
    assert finding.state == "warning"
    assert finding.text.startswith("Vault failed 1 time in 24 hours, the latest at ")
    assert finding.text.endswith("; it did not refuse. The cached key is used meanwhile, if there is one.")


def test_an_old_error_may_be_mended(world: World) -> None:
    world.services.found_in_log(log_line("01ABC - presign.problems - ERROR - a", hours=3))
    finding = examine(world)["logs: the function's errors"]
    assert (finding.state, len(finding.details)) == ("unknown", 1)
    assert re.fullmatch(r"1 error in 24 hours, the latest at .* UTC: the cause may be mended by now\.", finding.text)


def test_an_error_among_those_of_another_function(world: World) -> None:
    another = log_line("- ERROR - of another", function="ocid1.fnfunc.oc1.eu-frankfurt-1.another", minutes=1)
    lines = [*[another] * 100, log_line("- ERROR - of this one", minutes=2)]

    def search(request: Request) -> object:
        """Log Search as far as the function of a line and the number of lines go."""
        found = lines[-1:] if f"where data.functionId = '{FUNCTION}' and (" in request.get_data(as_text=True) else lines
        return {"results": found[: int(request.args["limit"])], "fields": []}

    world.services.answers[SEARCH] = search
    finding = examine(world)["logs: the function's errors"]
    assert [detail.split(" ", 2)[2] for detail in finding.details] == ["- ERROR - of this one"]


class TestLogsElsewhere:
    """Logs that are in a compartment of their own."""

    @pytest.fixture(autouse=True)
    def _moved(self, world: World) -> None:
        elsewhere = {"id": LOG_GROUP, "compartmentId": "ocid1.compartment.oc1..logs", "displayName": "central"}
        world.services.answers["GET /20200531/logGroups"] = of_compartment([elsewhere])
        for log in world.services.logs:
            log["compartmentId"] = "ocid1.compartment.oc1..logs"

    def test_they_are_found(self, world: World) -> None:
        found = examine(world)
        assert {finding.state for name, finding in found.items() if name.startswith("logs: ")} == {"ok"}

    def test_they_are_not_called_off_where_one_may_not_look(self, world: World) -> None:
        def refusing(request: Request) -> object:
            if request.args["compartmentId"] == TENANCY:
                raise not_found()
            return []

        world.services.answers["GET /20200531/logGroups"] = refusing
        found = examine(world)
        assert found["logs: the function's"].state == "unknown"
        assert found["logs: the function's"].text.endswith("you lack the permission: read log-groups in tenancy.")
        assert "wrong" not in {finding.state for finding in found.values()}


def test_a_bucket_that_the_signing_user_sees_and_the_operator_does_not(world: World) -> None:
    world.services.answers[f"GET /n/{NAMESPACE}/b/{BUCKET}"] = bucket_not_found()
    found = examine(world)
    assert found["bucket: there"] == Finding(
        "ok", f"{BUCKET} is in {REGION}: the signing user sees it, and you may not."
    )
    assert {finding.state for finding in found.values()} == {"ok", "skipped"}


def test_a_missing_bucket_is_not_made_where_the_function_is(world: World) -> None:
    CASES["no bucket"].change(world)
    finding = examine(world)["bucket: there"]
    assert (finding.mend, finding.details) == (
        None,
        (f"If there is none: oci os bucket create --region {REGION} --compartment-id <OCID> --name {BUCKET}",),
    )


@pytest.mark.parametrize(
    "rule",
    [
        {"operations": ["put_object"]},
        {"operations": ["get_object"]},
        {"operations": ["get_object"], "via": "par"},
    ],
)
def test_a_bucket_without_uploads_in_parts(world: World, rule: dict[str, object]) -> None:
    CASES["no lifecycle rule"].change(world)
    world.services.config["POLICY"] = json.dumps({"rules": [{"bucket": BUCKET, "prefix": "", **rule}]})
    world.services.config["DELIVER_TO"] = ""
    finding = examine(world)["bucket: unfinished uploads"]
    assert finding == Finding("ok", f"No rule allows uploads in parts to {BUCKET}.")


def test_a_bucket_whose_events_are_answered_by_no_rule(world: World) -> None:
    rules = [
        {"operations": ["*"], "callers": ["gateway"], **OF_USERS},
        {"operations": ["put_object"], "callers": ["invoke"], **OF_USERS},
    ]
    world.services.config["POLICY"] = json.dumps({"rules": rules})
    world.services.bucket["objectEventsEnabled"] = False
    world.services.answers["GET /20181201/rules"] = []
    found = examine(world)
    assert found["bucket: events"] == Finding("ok", f"{BUCKET} emits no events, and no setting needs them.")
    assert found["events: a rule calls the function"].state == "skipped"


def test_nothing_secret_is_shown(world: World) -> None:
    world.services.found_in_log(
        log_line(f"- ERROR - {SECRET_ACCESS_KEY} {CLAIMS_KEY} https://host/p/TOKEN/n/ns/b/b/o/o", minutes=1),
        log_line("- ERROR - https://host/b/o?X-Amz-Signature=SIGNATURE&a=b Bearer BEARER", minutes=1),
    )
    world.services.config["CLAIMS_KEY"] = f"{CLAIMS_KEY},{CLAIMS_KEY}"
    shown = {}
    for as_json in (False, True):
        stream = io.StringIO()
        assert doctor.examine(world.tenancy(json=as_json, environment={"PRESIGN_TOKEN": "TOKEN-OF-USER"}), stream) == 1
        shown[as_json] = stream.getvalue()
    for output in shown.values():
        assert "ERROR" in output
        for secret in (SECRET_ACCESS_KEY, CLAIMS_KEY, "TOKEN", "SIGNATURE", "BEARER", "PRIVATE KEY"):
            assert secret not in output
