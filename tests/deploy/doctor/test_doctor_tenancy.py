"""The facts that the steps share."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from oci.apigateway import DeploymentClient
from oci.exceptions import ServiceError
from oci.identity import IdentityClient
from werkzeug.wrappers import Request, Response

from deploy.doctor.finding import Skipped
from deploy.doctor.key_owner import key_owner
from local.api import ApiError, json_answer, not_found
from support.oci_answers import ACCESS_KEY_ID, BUCKET, DEPLOYMENT, FUNCTION, GATEWAY, NAMESPACE, REGION, SIGNER
from support.oci_services import World


def test_the_function_tells_the_rest(world: World) -> None:
    tenancy = world.tenancy()
    assert tenancy.function.resource.display_name == "presign"
    assert tenancy.function.config["NAMESPACE"] == NAMESPACE
    assert (tenancy.storage.region, tenancy.storage.namespace, tenancy.function.buckets) == (
        REGION,
        NAMESPACE,
        [BUCKET],
    )
    assert tenancy.storage.endpoint.bucket_url(BUCKET) == f"{world.storage.url}/{BUCKET}"
    assert tenancy.secret.key.access_key_id == ACCESS_KEY_ID
    assert tenancy.gateway.deployment.id == DEPLOYMENT
    assert tenancy.gateway.resource.id == GATEWAY


def test_the_stack_tells_the_function_and_the_signing_user(world: World, tmp_path: Path) -> None:
    world.apply_stack()
    tenancy = world.tenancy(function=None, stack=tmp_path)
    assert (tenancy.target.function_ocid, tenancy.gateway.deployment.id) == (FUNCTION, DEPLOYMENT)
    assert tenancy.stack.signing_user_ocid == SIGNER


def test_a_stack_that_was_not_applied(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Skipped, match=r"has not been applied: Terraform has no outputs of it\.$"):
        _ = world.tenancy(function=None, stack=tmp_path).function.resource


def test_the_state_of_the_stack_comes_before_that_of_the_clone(world: World, tmp_path: Path) -> None:
    world.apply_stack()
    (tmp_path / "terraform.tfstate").write_text(
        '{"outputs": {"function_ocid": {"value": "another"}}}', encoding="utf-8"
    )
    tenancy = world.tenancy(function=None, stack=tmp_path)
    assert (tenancy.target.function_ocid, tenancy.stack.signing_user_ocid) == ("another", None)


def test_a_state_that_is_none(world: World, tmp_path: Path) -> None:
    (tmp_path / "terraform.tfstate").write_text("{", encoding="utf-8")
    with pytest.raises(Skipped, match=rf"^{tmp_path}/terraform\.tfstate is no Terraform state: it is not JSON\.$"):
        _ = world.tenancy(function=None, stack=tmp_path).target.function_ocid


def test_a_state_in_a_bucket_is_asked_for(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "terraform"
    outputs = json.dumps({"function_ocid": {"value": FUNCTION}})
    program.write_text(
        f"#!/bin/sh\n[ \"$*\" = '-chdir={tmp_path} output -json' ] && echo '{outputs}'\n", encoding="utf-8"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}")
    assert world.tenancy(function=None, stack=tmp_path).target.function_ocid == FUNCTION


def test_the_back_end_of_the_state_gets_the_credentials_of_the_environment(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "terraform"
    outputs = json.dumps({"function_ocid": {"value": FUNCTION}})
    program.write_text(
        f"#!/bin/sh\n[ \"$OCI_config_file_profile\" = staging ] && echo '{outputs}' && exit\n"
        "echo 'Error: the profile DEFAULT is missing' >&2\nexit 1\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}")
    variables = {"OCI_config_file_profile": "staging"}
    assert world.tenancy(environment=variables, function=None, stack=tmp_path).target.function_ocid == FUNCTION
    refused = rf"^Terraform can't read the state of {tmp_path}:\nError: the profile DEFAULT is missing$"
    with pytest.raises(Skipped, match=refused):
        _ = world.tenancy(function=None, stack=tmp_path).target.function_ocid


def test_a_failure_is_told_once(world: World) -> None:
    world.services.answers[f"GET /20260325/functions/{FUNCTION}"] = not_found()
    tenancy = world.tenancy()
    with pytest.raises(ServiceError):
        _ = tenancy.function.resource
    with pytest.raises(Skipped, match=r"^Not checked, as the function could not be read\.$"):
        _ = tenancy.function.resource


def test_the_configuration_of_the_application_counts_too(world: World) -> None:
    application = f"GET /20260325/applications/{world.services.function['applicationId']}"
    world.services.answers[application]["config"] = {"DEFAULT_EXPIRES_IN": "60", "DEFAULT_BUCKET": "other"}
    assert world.tenancy().function.settings.default_expires_in == 60
    assert world.tenancy().function.settings.default_bucket == BUCKET


@pytest.mark.parametrize("wrap", [lambda page: page, lambda page: {"items": page}])
def test_all_pages_of_a_listing(wrap: Callable[[list[object]], object], world: World) -> None:
    """A list of users, and a collection of deployments, as the SDK gives them."""
    asked = []

    def listed(request: Request) -> Response:
        asked.append(page := request.args.get("page", "0"))
        one = {"id": f"ocid1.one.oc1..{page}", "lifecycleState": "ACTIVE"}
        following = {"opc-next-page": str(int(page) + 1)} if page < "2" else {}
        return json_answer(wrap([one]), headers=following)

    world.services.answers |= {"GET /20160918/users": listed, "GET /20190501/deployments": listed}
    oci = world.tenancy().oci
    is_collection = isinstance(wrap([]), dict)
    users, deployments = oci.client(IdentityClient).list_users, oci.client(DeploymentClient).list_deployments
    call = deployments if is_collection else users
    assert [one.id for one in oci.list_all(call, "ocid1.tenancy.oc1..tenancy")] == [
        "ocid1.one.oc1..0",
        "ocid1.one.oc1..1",
        "ocid1.one.oc1..2",
    ]
    assert asked == ["0", "1", "2"]


def _big_tenancy(world: World, *, owned_by: str) -> None:
    """A key of one of many users, who is not that of the stack."""
    users = world.services.answers["GET /20160918/users"]
    for number in range(3):
        ocid = f"ocid1.user.oc1..{number}"
        users.insert(0, {"id": ocid, "name": f"user-{number}", "compartmentId": "t", "lifecycleState": "ACTIVE"})
        world.services.answers[f"GET /20160918/users/{ocid}/customerSecretKeys"] = not_found()
    keys = world.services.answers.pop(f"GET /20160918/users/{SIGNER}/customerSecretKeys")
    world.services.answers[f"GET /20160918/users/{owned_by}/customerSecretKeys"] = keys


def test_users_who_may_have_no_keys_are_not_asked(world: World) -> None:
    _big_tenancy(world, owned_by=SIGNER)
    with pytest.raises(ServiceError):
        key_owner(world.tenancy())
    for user in world.services.answers["GET /20160918/users"][:3]:
        user["capabilities"] = {"canUseCustomerSecretKeys": False}
    found = key_owner(world.tenancy())
    assert found is not None
    assert found.ocid == SIGNER


def test_the_search_for_the_owner_ends(world: World) -> None:
    tenancy = world.tenancy()
    assert tenancy.secret.key.access_key_id == ACCESS_KEY_ID
    seconds = count(0, 20)
    tenancy.now = lambda: float(next(seconds))
    with pytest.raises(TimeoutError):
        key_owner(tenancy)


@pytest.mark.parametrize("status", [404, 429, 503])
def test_a_likely_owner_who_can_not_be_looked_up(world: World, tmp_path: Path, status: int) -> None:
    """It is never told that no user has the key."""
    world.apply_stack()
    world.services.answers[f"GET /20160918/users/{SIGNER}/customerSecretKeys"] = ApiError(status, "Any", "Any.")
    with pytest.raises(ServiceError):
        key_owner(world.tenancy(function=None, stack=tmp_path))


def test_a_likely_owner_who_is_listed_only(world: World, tmp_path: Path) -> None:
    world.apply_stack()
    world.services.answers[f"GET /20160918/users/{SIGNER}"] = not_found()
    found = key_owner(world.tenancy(function=None, stack=tmp_path))
    assert found is not None
    assert found.ocid == SIGNER
