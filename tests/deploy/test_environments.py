"""Environments as an operator uses them day after day, by the real Terraform on a provider that remembers."""

from __future__ import annotations

import base64
import json
import re
import shutil
import stat
import subprocess
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import oci
import pytest
from oci.exceptions import ConnectTimeout
from oci.object_storage import ObjectStorageClient
from werkzeug.wrappers import Request, Response

from deploy import apply, changes, destroy, plan
from deploy.approval import Approval
from deploy.doctor.tenancy.stack import AppliedStack
from deploy.environment import ROOT, Environment
from deploy.rotate import KINDS, Clock, rotate
from deploy.session import Session
from deploy.terraform import Terraform, connect
from local.server import Server
from support.oci_services import ApiKey
from support.store import Store

pytestmark = pytest.mark.slow  # Terraform takes over 20 seconds to get ready

YES = Approval(auto=True)
NO = Approval()
STATE_OF_0_2 = Path(__file__).with_name("release_0_2.state.json")
LASTING = (
    "oci_objectstorage_bucket",
    "oci_kms_vault",
    "oci_kms_key",
    "oci_vault_secret",
    "oci_identity_user",
    "oci_identity_customer_secret_key",
    "oci_functions_function",
    "oci_apigateway_gateway",
    "oci_apigateway_deployment",
)
"""The resources of a deployment that callers and URLs depend on."""
INPUTS = """\
issuer           = "https://identity.oraclecloud.com/"
audience         = "presign"
jwks_uri         = "https://idcs-0123.identity.oraclecloud.com/admin/v1/SigningCert/jwk"
compartment_ocid = "ocid1.compartment.oc1..c"
"""
READ_ONLY = {"rules": [{"operations": ["read"], "bucket": "presign", "prefix": "public/", "max_expires_in": 60}]}
READ_AND_PAR = {
    "rules": [
        *READ_ONLY["rules"],
        {"operations": ["put_object"], "bucket": "presign", "prefix": "users/{sub}/", "via": "par", "single_use": True},
    ]
}
PARS_ALONE = {"rules": [{"operations": ["get_object"], "bucket": "presign", "prefix": "", "via": "par"}]}


class Clone:
    """A clone of the project, whose environments are deployed.

    Args:
        root: the folder of the clone.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        self.release = root / "function.zip"
        self.write_release(b"release 1")

    def environment(self, name: str = "production", inputs: str = INPUTS) -> Environment:
        """An environment with these inputs, unless it is there already."""
        made = Environment(name, self.root)
        made.folder.mkdir(parents=True, exist_ok=True)
        if not made.inputs.exists():
            made.inputs.write_text(inputs, encoding="utf-8")
        return made

    def write_release(self, code: bytes) -> None:
        """Make the archive of another release."""
        with zipfile.ZipFile(self.release, "w") as opened:
            opened.writestr("function/func.py", code)

    def policy(self, document: object) -> Path:
        """A file with a policy."""
        file = self.root / "mine.json"
        file.write_text(json.dumps(document), encoding="utf-8")
        return file

    def deploy(self, environment: Environment, *, policy: Path | None = None, approval: Approval = YES) -> int:
        """Deploy the release."""
        return apply.deploy(environment, policy=policy, archive=self.release, approval=approval)

    def plan(self, environment: Environment, capsys: pytest.CaptureFixture[str], **options: Any) -> str:
        """All that a plan prints."""
        capsys.readouterr()
        assert plan.show(environment, archive=self.release, **options) == 0
        return "".join(capsys.readouterr())


def resources(environment: Environment, type_: str) -> list[dict[str, Any]]:
    """The attributes of the resources of a type, from the state of an environment."""
    return resources_in(environment.state, type_)


def resources_in(file: Path, type_: str) -> list[dict[str, Any]]:
    """The attributes of the resources of a type, from a state."""
    state = json.loads(file.read_text(encoding="utf-8"))
    return [
        instance["attributes"]
        for resource in state["resources"]
        if resource["type"] == type_ and resource["mode"] == "managed"
        for instance in resource["instances"]
    ]


def signing_key(environment: Environment) -> str:
    """The id of the key in the secret that the function reads."""
    [secret] = resources(environment, "oci_vault_secret")
    return str(json.loads(base64.b64decode(secret["secret_content"][0]["content"]))["access_key_id"])


class Time:
    """A clock whose time passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.at_the_fourth_sleep: Callable[[], None] = lambda: None

    @property
    def clock(self) -> Clock:
        """The clock that code under test reads."""
        return Clock(now=self.now, sleep=self.sleep)

    def now(self) -> float:
        """Seconds since the epoch."""
        return 1_800_000_000 + sum(self.slept)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.slept.append(seconds)
        if len(self.slept) == 4:
            self.at_the_fourth_sleep()


class Objects:
    """Object Storage, in which each bucket has an object of two versions and a PAR until they are deleted.

    Args:
        directory: for the credentials of its caller.
    """

    def __init__(self, directory: Path) -> None:
        self.deleted: list[str] = []
        self.is_gone = False
        self.server = Server(self._answer)
        self._key = ApiKey(directory)

    def client_for(self, region: str) -> ObjectStorageClient:
        """The SDK's client."""
        config = oci.config.from_file(str(self._key.file))
        return ObjectStorageClient({**config, "region": region}, service_endpoint=self.server.url)

    def _answer(self, request: Request) -> Response:
        if self.is_gone:
            gone = {"code": "BucketNotFound", "message": "Either the bucket does not exist, or you may not see it."}
            return Response(json.dumps(gone), 404, content_type="application/json")
        if request.method == "DELETE":
            self.deleted.append(request.full_path.rstrip("?"))
            return Response(status=204)
        versions = [
            {"name": "a.txt", "versionId": version, "timeModified": "2026-11-26T00:00:00Z", "isDeleteMarker": False}
            for version in ("1", "2")
        ]
        documents: dict[str, Any] = {
            "objectversions": {"items": versions, "prefixes": []},
            "u": [],
            "p": [{"id": "par-1", "name": "a", "accessType": "ObjectRead"}],
        }
        return Response(json.dumps(documents[request.path.split("/")[-1]]), content_type="application/json")


@pytest.fixture
def objects(tmp_path: Path) -> Iterator[Objects]:
    """Object Storage with something in each bucket."""
    made = Objects(tmp_path)
    with made.server:
        yield made


@pytest.fixture
def time() -> Time:
    """A clock that the test moves."""
    return Time()


@pytest.fixture
def clone(tmp_path: Path, oci_provider: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Clone:
    """A clone, and an operator with a configuration of OCI."""
    configuration = tmp_path / "home" / ".oci" / "config"
    configuration.parent.mkdir(parents=True)
    configuration.write_text("[DEFAULT]\ntenancy = ocid1.tenancy.oc1..t\nregion = eu-frankfurt-1\n", encoding="utf-8")
    for name, value in {**oci_provider, "HOME": str(tmp_path / "home"), "CHECKPOINT_DISABLE": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("OCI_CLI_CONFIG_FILE", raising=False)
    return Clone(tmp_path / "clone")


def inputs_for(store: Store, **settings: str) -> str:
    """The inputs of a stack whose function signs for a store on this machine, which the gateway has no way to."""
    lines = [f'{name} = "{value}"' for name, value in {"STORAGE_ENDPOINT": store.server.url, **settings}.items()]
    return f"{INPUTS}store_route = false\nsettings = {{ {', '.join(lines)} }}\n"


def test_a_second_deploy_keeps_the_policy(clone: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    production = clone.environment()
    assert clone.deploy(production, policy=clone.policy(READ_ONLY)) == 0, capsys.readouterr()
    line = r'curl -s https://gateway-\d+\.example\.com/presigner/v1/presign -H "Authorization: Bearer \$TOKEN" -H '
    assert re.match(line, apply.line_to_try(production))
    assert json.loads(production.policy.read_text(encoding="utf-8")) == READ_ONLY
    assert "No changes." in clone.plan(production, capsys)
    assert clone.deploy(production) == 0
    assert json.loads(production.policy.read_text(encoding="utf-8")) == READ_ONLY


class TestMistakes:
    """Mistakes are found before anything is built or made."""

    @pytest.mark.parametrize(
        ("inputs", "policy", "error"),
        [
            ('settings = { MAX_EXPIRES_IN = "banana" }', None, "settings: MAX_EXPIRES_IN must be"),
            ("", {"rules": [{**READ_ONLY["rules"][0], "prefixes": "a"}]}, "mine.json: /rules/0/prefixes: "),
            (f"policy = {json.dumps(json.dumps({'rules': [{'bucket': 'b'}]}))}", None, "policy: /rules/0/operations: "),
            (f"policy = {json.dumps(json.dumps(READ_ONLY))}", READ_ONLY, "There are two policies"),
            ("memory_in_mbs = 100", None, "memory_in_mbs must be 128, 256, 512, 1024, 2048, or 3072."),
            ('requests_per_second = "many"', None, "a number is required"),
            ("", {"rules": [{**READ_ONLY["rules"][0], "operations": "read"}]}, "mine.json: /rules/0/operations: must"),
        ],
    )
    def test_a_mistake_of_the_policy_or_the_settings(
        self, clone: Clone, inputs: str, policy: object, error: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        clone.release.unlink()  # is looked at later
        production = clone.environment(inputs=f"{INPUTS}{inputs}\n")
        assert clone.deploy(production, policy=None if policy is None else clone.policy(policy)) == 1
        told = capsys.readouterr()
        assert error in told.err
        assert "Plan: " not in told.out
        assert not production.policy.exists()

    def test_an_input_that_does_not_exist(self, clone: Clone, capsys: pytest.CaptureFixture[str]) -> None:
        """Terraform warns of it, and plans."""
        told = clone.plan(clone.environment(inputs=f"{INPUTS}memory = 512\n"), capsys)
        assert 'does not declare a variable named "memory"' in " ".join(told.split())
        assert "Plan: " in told

    def test_a_bucket_of_the_policy_that_is_not_there(self, clone: Clone, capsys: pytest.CaptureFixture[str]) -> None:
        production = clone.environment()
        rule = {"operations": ["read"], "bucket": "not-there", "prefix": ""}
        assert clone.deploy(production, policy=clone.policy({"rules": [rule]})) == 1
        assert "404-BucketNotFound, there is no bucket named not-there" in "".join(capsys.readouterr())
        assert not production.policy.exists()

    def test_an_archive_that_is_none(self, clone: Clone, capsys: pytest.CaptureFixture[str]) -> None:
        clone.release.write_bytes(b"no archive")
        assert clone.deploy(clone.environment()) == 1
        assert f"{clone.release} can't be read: " in capsys.readouterr().err


class TestRotation:
    """The customer secret key and the gateway secret are replaced in three steps, none of which ends a URL."""

    def test_the_key(self, clone: Clone, fresh_store: Store, time: Time, capsys: pytest.CaptureFixture[str]) -> None:
        fresh_store.storage.create_bucket("presign")
        production = clone.environment(inputs=inputs_for(fresh_store))
        assert clone.deploy(production) == 0
        [first] = resources(production, "oci_identity_customer_secret_key")
        [secret] = resources(production, "oci_vault_secret")

        def the_store_learns_of_the_new_key() -> None:
            assert signing_key(production) == first["id"]
            new = resources(production, "oci_identity_customer_secret_key")[1]
            fresh_store.storage.add_key(new["id"], new["key"])

        time.at_the_fourth_sleep = the_store_learns_of_the_new_key
        assert rotate(production, KINDS["key"], approval=YES, clock=time.clock) == 0, capsys.readouterr()
        assert len(time.slept) == 7
        keys = resources(production, "oci_identity_customer_secret_key")
        assert [key["id"] for key in keys][:1] == [first["id"]]
        assert len(keys) == 2
        [changed] = resources(production, "oci_vault_secret")
        assert (changed["id"], changed["secret_name"]) == (secret["id"], secret["secret_name"])
        assert signing_key(production) == keys[1]["id"]
        assert "No changes." in clone.plan(production, capsys)

        production.inputs.write_text(inputs_for(fresh_store, MAX_EXPIRES_IN="60"), encoding="utf-8")
        assert clone.deploy(production) == 0
        time.sleep(300 + 3600 + 604_700)  # the URLs that were given keep their ends
        capsys.readouterr()
        assert rotate(production, KINDS["key"], approval=YES, clock=time.clock) == 1
        assert "The old one may be in use until " in capsys.readouterr().err
        assert len(resources(production, "oci_identity_customer_secret_key")) == 2
        time.sleep(100)
        assert rotate(production, KINDS["key"], approval=YES, clock=time.clock) == 0
        assert [key["id"] for key in resources(production, "oci_identity_customer_secret_key")] == [keys[1]["id"]]
        assert signing_key(production) == keys[1]["id"]
        assert "No changes." in clone.plan(production, capsys)

    def test_the_key_of_a_policy_whose_buckets_have_claims(
        self, clone: Clone, fresh_store: Store, time: Time, capsys: pytest.CaptureFixture[str]
    ) -> None:
        fresh_store.storage.create_bucket("files-acme")
        production = clone.environment(inputs=f'{inputs_for(fresh_store)}buckets = "files-acme,files-best"\n')
        claimed = {"rules": [{**READ_ONLY["rules"][0], "bucket": "files-{tenant}"}]}
        assert clone.deploy(production, policy=clone.policy(claimed)) == 0, capsys.readouterr()

        def the_store_learns_of_the_new_key() -> None:
            new = resources(production, "oci_identity_customer_secret_key")[1]
            fresh_store.storage.add_key(new["id"], new["key"])

        time.at_the_fourth_sleep = the_store_learns_of_the_new_key
        assert rotate(production, KINDS["key"], approval=YES, clock=time.clock) == 0, capsys.readouterr()
        assert len(time.slept) == 7

    def test_the_gateway_secret(self, clone: Clone, time: Time, capsys: pytest.CaptureFixture[str]) -> None:
        production = clone.environment()
        assert clone.deploy(production) == 0
        [old] = accepted_secrets(production)
        assert sent_secret(production) == old

        def both_are_accepted_and_the_old_one_is_sent() -> None:
            assert old in accepted_secrets(production)
            assert len(accepted_secrets(production)) == 2
            assert sent_secret(production) == old

        time.at_the_fourth_sleep = both_are_accepted_and_the_old_one_is_sent
        time.slept = [0, 0, 0]
        assert rotate(production, KINDS["gateway"], approval=YES, clock=time.clock) == 0, capsys.readouterr()
        assert time.slept[3:] == [300]
        new = sent_secret(production)
        assert new != old
        assert sorted(accepted_secrets(production)) == sorted([old, new])
        assert rotate(production, KINDS["gateway"], approval=YES, clock=time.clock) == 1
        time.sleep(300)
        assert rotate(production, KINDS["gateway"], approval=YES, clock=time.clock) == 0
        assert accepted_secrets(production) == [new]
        assert "No changes." in clone.plan(production, capsys)

    def test_a_clone_without_the_names_does_not_take_the_secret_in_use_away(
        self, clone: Clone, time: Time, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Somebody has rotated it, and has not committed `rotation.json`."""
        production = clone.environment()
        assert clone.deploy(production) == 0
        assert rotate(production, KINDS["gateway"], approval=YES, clock=time.clock) == 0
        self.refuses_a_lost_rotation(clone, production, capsys)
        time.sleep(300)
        assert rotate(production, KINDS["gateway"], approval=YES, clock=time.clock) == 0
        self.refuses_a_lost_rotation(clone, production, capsys)
        assert "No changes." in clone.plan(production, capsys)

    def refuses_a_lost_rotation(
        self, clone: Clone, production: Environment, capsys: pytest.CaptureFixture[str]
    ) -> None:
        kept = production.rotation.read_bytes()
        production.rotation.unlink()
        capsys.readouterr()
        assert clone.deploy(production) == 1
        assert plan.show(production, archive=clone.release) == 1
        told = capsys.readouterr()
        assert told.err.count(f"The gateway sends the secret b, which {production.rotation} does not name: ") == 2
        assert "Plan: " not in told.out
        production.rotation.write_bytes(kept)

    def test_a_call_that_is_interrupted_while_it_changes_the_secret_in_use(
        self, clone: Clone, time: Time, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The old one counts as in use until the change is known to be made."""
        production = clone.environment()
        assert clone.deploy(production) == 0
        [old] = accepted_secrets(production)
        applied = []
        apply = Terraform.apply

        def interrupted(terraform: Terraform, file: Path) -> None:
            applied.append(file)
            if len(applied) == 2:
                raise KeyboardInterrupt
            apply(terraform, file)

        with monkeypatch.context() as patch:
            patch.setattr(Terraform, "apply", interrupted)
            with pytest.raises(KeyboardInterrupt):
                rotate(production, KINDS["gateway"], approval=YES, clock=time.clock)
        assert sent_secret(production) == old
        time.sleep(3600)
        assert rotate(production, KINDS["gateway"], approval=YES, clock=time.clock) == 0
        assert len(accepted_secrets(production)) == 2
        assert sent_secret(production) != old
        assert rotate(production, KINDS["gateway"], approval=YES, clock=time.clock) == 1
        time.sleep(300)
        assert rotate(production, KINDS["gateway"], approval=YES, clock=time.clock) == 0
        assert old not in accepted_secrets(production)

    def test_a_call_that_is_interrupted_while_it_deletes_the_old_key(
        self,
        clone: Clone,
        fresh_store: Store,
        time: Time,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        """The same command refuses from then on, and a deploy that is told to ends the deletion."""
        fresh_store.storage.create_bucket("presign")
        production = clone.environment(inputs=inputs_for(fresh_store))
        assert clone.deploy(production) == 0

        def the_store_learns_of_the_new_key() -> None:
            new = resources(production, "oci_identity_customer_secret_key")[1]
            fresh_store.storage.add_key(new["id"], new["key"])

        time.at_the_fourth_sleep = the_store_learns_of_the_new_key
        assert rotate(production, KINDS["key"], approval=YES, clock=time.clock) == 0, capsys.readouterr()
        [old, new] = (key["id"] for key in resources(production, "oci_identity_customer_secret_key"))
        time.sleep(300 + 3600 + 604_800)

        def interrupted(_terraform: Terraform, _file: Path) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Terraform, "apply", interrupted)
            with pytest.raises(KeyboardInterrupt):
                rotate(production, KINDS["key"], approval=YES, clock=time.clock)
        capsys.readouterr()
        assert rotate(production, KINDS["key"], approval=YES, clock=time.clock) == 1
        assert "would change too, so `make deploy` comes first." in capsys.readouterr().err
        assert clone.deploy(production) == 1
        keys = resources(production, "oci_identity_customer_secret_key")
        assert [key["id"] for key in keys] == [old, new]
        words = frozenset({"end-all-urls"})
        assert clone.deploy(production, approval=Approval(auto=True, words=words)) == 0
        assert [key["id"] for key in resources(production, "oci_identity_customer_secret_key")] == [new]
        assert signing_key(production) == new
        assert "No changes." in clone.plan(production, capsys)

    def test_another_change_waits_for_a_deploy(
        self, clone: Clone, time: Time, capsys: pytest.CaptureFixture[str]
    ) -> None:
        production = clone.environment()
        assert clone.deploy(production) == 0
        production.inputs.write_text(f"{INPUTS}memory_in_mbs = 512\n", encoding="utf-8")
        for kind in KINDS.values():
            assert rotate(production, kind, approval=YES, clock=time.clock) == 1
            assert "would change too, so `make deploy` comes first." in capsys.readouterr().err
        assert len(resources(production, "oci_identity_customer_secret_key")) == 1
        assert len(accepted_secrets(production)) == 1


def accepted_secrets(environment: Environment) -> list[str]:
    """The gateway secrets that the function takes."""
    [function] = resources(environment, "oci_functions_function")
    return str(function["config"]["CLAIMS_KEY"]).split(",")


def sent_secret(environment: Environment) -> str:
    """The gateway secret that the gateway sends."""
    [found] = {*re.findall(r"([0-9a-f-]{36}):\$", json.dumps(resources(environment, "oci_apigateway_deployment")))}
    return str(found)


class TestSecrets:
    """Nothing secret is printed, and only the owner can read the files."""

    def test_nothing_that_is_printed_holds_one(
        self, clone: Clone, time: Time, objects: Objects, capfd: pytest.CaptureFixture[str]
    ) -> None:
        production = clone.environment()
        assert clone.deploy(production) == 0
        secrets = secrets_of_state(production)
        assert len(secrets) == 3
        assert rotate(production, KINDS["gateway"], approval=YES, clock=time.clock) == 0
        secrets |= secrets_of_state(production)
        production.inputs.write_text(INPUTS.replace('"presign"', '"another"'), encoding="utf-8")
        assert clone.deploy(production, policy=clone.policy(PARS_ALONE), approval=NO) == 1
        assert destroy.destroy(production, approval=NO, client_for=objects.client_for) == 1
        printed = "".join(capfd.readouterr())
        for word in ("Plan: ", "will be destroyed", "oci_identity_customer_secret_key", "(sensitive value)"):
            assert word in printed
        assert [secret for secret in secrets if secret in printed] == []

    def test_a_secret_of_release_0_2_is_hidden_too(self) -> None:
        state = {
            "resources": [
                {
                    "type": "terraform_data",
                    "name": "claims_key",
                    "instances": [
                        {
                            "attributes": {
                                "input": {"value": "old-gateway-secret", "type": "string"},
                                "output": {"value": "old-gateway-secret", "type": "string"},
                                "triggers_replace": None,
                            }
                        }
                    ],
                },
                {"type": "terraform_data", "name": "source_type", "instances": [{"attributes": {"input": "ARCHIVE"}}]},
            ]
        }
        assert changes.secrets_of(state) == ["old-gateway-secret"]

    def test_only_the_owner_reads_what_terraform_writes(self, clone: Clone) -> None:
        production = clone.environment()
        assert clone.deploy(production) == 0
        assert clone.deploy(production, policy=clone.policy(READ_ONLY)) == 0
        files = [*production.folder.glob("*.tfstate*")]
        assert len(files) == 2
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        assert stat.S_IMODE(production.work.stat().st_mode) == 0o700
        assert not list(production.work.rglob("*.tfplan"))


def secrets_of_state(environment: Environment) -> set[str]:
    """The keys, the content of the secret, and the gateway secrets."""
    keys = {str(key["key"]) for key in resources(environment, "oci_identity_customer_secret_key")}
    contents = {str(one["secret_content"][0]["content"]) for one in resources(environment, "oci_vault_secret")}
    return {*keys, *contents, *accepted_secrets(environment)}


class TestApproval:
    """A change that can't be undone needs a word, which a yes in advance does not say."""

    def test_a_policy_of_pars_alone_would_end_all_urls(self, clone: Clone, capsys: pytest.CaptureFixture[str]) -> None:
        production = clone.environment()
        assert clone.deploy(production) == 0
        file = clone.policy(PARS_ALONE)
        assert clone.deploy(production, policy=file) == 1
        told = capsys.readouterr()
        assert "every presigned URL that is in use ends at once" in told.err
        assert '+      "via": "par"' in told.out or '"via": "par"' in told.out
        assert not production.policy.exists()
        words = frozenset({"end-all-urls", "delete-vault"})
        assert clone.deploy(production, policy=file, approval=Approval(auto=True, words=words)) == 0
        assert resources(production, "oci_identity_user") == []

    def test_the_rules_that_change_are_shown(self, clone: Clone, capsys: pytest.CaptureFixture[str]) -> None:
        production = clone.environment()
        assert clone.deploy(production) == 0
        capsys.readouterr()
        assert clone.deploy(production, policy=clone.policy(READ_ONLY), approval=NO) == 1
        lines = capsys.readouterr().out.splitlines()
        assert '+      "prefix": "public/",' in lines
        assert '-      "prefix": "users/{sub}/"' in lines
        assert not production.policy.exists()

    def test_protected_resources_stay(self, clone: Clone, capsys: pytest.CaptureFixture[str]) -> None:
        production = clone.environment(inputs=f"{INPUTS}protect = true\n")
        assert clone.deploy(production) == 0
        production.inputs.write_text(f"{INPUTS}protect = true\ncreate_bucket = false\n", encoding="utf-8")
        assert clone.deploy(production) == 1
        told = "".join(capsys.readouterr())
        assert "Instance cannot be destroyed" in told
        assert "protect = true keeps what can't be made again." in told
        assert len(resources(production, "oci_objectstorage_bucket")) == 1

    def test_another_error_is_not_taken_for_protection(self, clone: Clone, capsys: pytest.CaptureFixture[str]) -> None:
        production = clone.environment(inputs=f"{INPUTS}protect = true\n")
        rule = {"operations": ["read"], "bucket": "not-there", "prefix": ""}
        assert clone.deploy(production, policy=clone.policy({"rules": [rule]})) == 1
        told = "".join(capsys.readouterr())
        assert "there is no bucket named not-there" in told
        assert "CONFIRM" not in told

    def test_no_plan_is_left_where_somebody_has_stopped_it(self, clone: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
        """It may hold secrets."""
        production = clone.environment()

        def interrupted(_terraform: Terraform, file: Path, *_options: str) -> None:
            file.write_bytes(b"plan")
            raise KeyboardInterrupt

        monkeypatch.setattr(Terraform, "plan", interrupted)
        with pytest.raises(KeyboardInterrupt):
            clone.deploy(production)
        assert [*production.work.glob("plan-*")] == []

    def test_another_name_is_refused(self, clone: Clone, capsys: pytest.CaptureFixture[str]) -> None:
        production = clone.environment()
        assert clone.deploy(production) == 0
        production.inputs.write_text(f'{INPUTS}name = "other"\n', encoding="utf-8")
        assert clone.deploy(production) == 1
        assert "presign is deployed. Another name would make all of it anew" in capsys.readouterr().err


class TestRelease02:
    """A deployment of release 0.2 goes on as the environment `production`."""

    def test_what_must_last_is_neither_deleted_nor_replaced(
        self, clone: Clone, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (clone.root / "presign.tfvars").write_text(INPUTS, encoding="utf-8")
        state = json.loads(STATE_OF_0_2.read_text(encoding="utf-8"))
        (clone.root / "presign.tfstate").write_text(json.dumps(state), encoding="utf-8")
        (clone.root / "presign.tfstate").chmod(0o644)
        clone.write_release(b"release 0.2")
        production = Environment("production", clone.root)
        assert clone.deploy(production, approval=NO) == 1
        assert "presign.tfvars is now environments/production/presign.tfvars." in capsys.readouterr().err
        assert not (clone.root / "presign.tfvars").exists()
        assert stat.S_IMODE(production.state.stat().st_mode) == 0o600
        policy = json.loads(production.policy.read_text(encoding="utf-8"))
        assert [rule.get("single_use", False) for rule in policy["rules"]] == [False, True]

        session = Session(production)
        session.take_archive(clone.release)
        file, planned = session.plan(protected=False)
        file.unlink()
        deleted = [address for address, actions in changes.changed(planned).items() if "delete" in actions]
        assert deleted == []
        assert changes.dangers_of(planned) == []

        before = {type_: resources(production, type_)[0]["id"] for type_ in LASTING}
        [secret] = [
            resource["instances"][0]["attributes"]["output"]["value"]
            for resource in state["resources"]
            if resource["name"] == "claims_key"
        ]
        assert clone.deploy(production) == 0
        assert {type_: resources(production, type_)[0]["id"] for type_ in LASTING} == before
        assert accepted_secrets(production) == [secret]
        assert sent_secret(production) == secret
        assert "No changes." in clone.plan(production, capsys)

    def test_its_gateway_secret_is_replaced_and_never_printed(
        self, clone: Clone, time: Time, capfd: pytest.CaptureFixture[str]
    ) -> None:
        production = clone.environment()
        production.state.write_bytes(STATE_OF_0_2.read_bytes())
        clone.write_release(b"release 0.2")
        assert clone.deploy(production) == 0
        [old] = accepted_secrets(production)
        assert rotate(production, KINDS["gateway"], approval=YES, clock=time.clock) == 0
        time.sleep(300)
        assert rotate(production, KINDS["gateway"], approval=YES, clock=time.clock) == 0
        assert old not in accepted_secrets(production)
        printed = "".join(capfd.readouterr())
        assert "Plan: " in printed
        assert old not in printed

    def test_its_back_end_is_kept(self, tmp_path: Path) -> None:
        backend = tmp_path / "dist" / "stack" / "backend.tf"
        backend.parent.mkdir(parents=True)
        backend.write_text('terraform {\n  backend "s3" {}\n}\n', encoding="utf-8")
        production = Environment("production", tmp_path)
        production.take_over()
        assert production.backend.read_text(encoding="utf-8") == 'terraform {\n  backend "s3" {}\n}\n'

    def test_its_own_file_for_the_state_is_no_back_end(self, tmp_path: Path) -> None:
        backend = tmp_path / "dist" / "stack" / "backend.tf"
        backend.parent.mkdir(parents=True)
        backend.write_text(
            'terraform {\n  backend "local" {\n    path = "../../presign.tfstate"\n  }\n}\n', encoding="utf-8"
        )
        production = Environment("production", tmp_path)
        production.take_over()
        assert not production.backend.exists()


class TestDay:
    """A day of an operator; nothing that happens elsewhere changes production."""

    def test_it_leaves_production_as_its_files_say(
        self, clone: Clone, fresh_store: Store, time: Time, objects: Objects, capsys: pytest.CaptureFixture[str]
    ) -> None:
        fresh_store.storage.create_bucket("presign")
        production = clone.environment(inputs=inputs_for(fresh_store, MAX_EXPIRES_IN="600"))

        def nothing_differs() -> None:
            assert "No changes." in clone.plan(production, capsys)

        assert clone.deploy(production) == 0
        nothing_differs()
        assert clone.deploy(production, policy=clone.policy(READ_AND_PAR)) == 0
        nothing_differs()
        [schedule] = resources(production, "oci_resource_scheduler_schedule")
        assert schedule["resources"][0]["parameters"][0]["value"] == ['{"sweep":{"bucket":"presign"}}']

        staging = clone.environment("staging")
        assert clone.deploy(staging) == 0
        assert [one["display_name"] for one in resources(staging, "oci_functions_function")] == ["presign-staging"]
        nothing_differs()

        def the_store_learns_of_the_new_key() -> None:
            new = resources(production, "oci_identity_customer_secret_key")[1]
            fresh_store.storage.add_key(new["id"], new["key"])

        time.at_the_fourth_sleep = the_store_learns_of_the_new_key
        for kind in KINDS.values():
            assert rotate(production, kind, approval=YES, clock=time.clock) == 0
            nothing_differs()
            time.sleep(300 + 3600 + 600)
            assert rotate(production, kind, approval=YES, clock=time.clock) == 0
            nothing_differs()

        first = resources(production, "oci_functions_function")[0]
        clone.write_release(b"release 2")
        assert clone.deploy(production) == 0
        second = resources(production, "oci_functions_function")[0]
        assert second["id"] == first["id"]
        assert archive_of(second) != archive_of(first)
        clone.write_release(b"release 1")
        assert clone.deploy(production) == 0
        assert archive_of(resources(production, "oci_functions_function")[0]) == archive_of(first)
        nothing_differs()

        def unreachable(_region: str) -> ObjectStorageClient:
            raise ConnectTimeout("Object Storage can't be reached")

        assert destroy.destroy(staging, approval=Approval(auto=True), client_for=unreachable) == 1
        assert capsys.readouterr().err.endswith("Object Storage can't be reached\n")
        assert destroy.destroy(staging, approval=Approval(auto=True), client_for=objects.client_for) == 1
        word = frozenset({"destroy-staging"})
        assert destroy.destroy(staging, approval=Approval(auto=True, words=word), client_for=objects.client_for) == 1
        assert (
            "The bucket presign-staging has objects and pre-authenticated requests: all go." in capsys.readouterr().err
        )
        assert len(resources(staging, "oci_functions_function")) == 1
        assert len(objects.deleted) == 0
        words = Approval(auto=True, words=word | {"delete-objects"})
        assert destroy.destroy(staging, approval=words, client_for=objects.client_for) == 0
        assert sorted(objects.deleted) == [
            "/n/axexample/b/presign-staging/o/a.txt?versionId=1",
            "/n/axexample/b/presign-staging/o/a.txt?versionId=2",
            "/n/axexample/b/presign-staging/p/par-1",
        ]
        assert resources(staging, "oci_functions_function") == []
        nothing_differs()

    def test_a_bucket_that_somebody_has_deleted_does_not_keep_the_rest(
        self, clone: Clone, objects: Objects, capsys: pytest.CaptureFixture[str]
    ) -> None:
        production = clone.environment()
        assert clone.deploy(production) == 0
        objects.is_gone = True
        words = Approval(auto=True, words=frozenset({"destroy-production"}))
        assert destroy.destroy(production, approval=words, client_for=objects.client_for) == 0, capsys.readouterr()
        assert resources(production, "oci_functions_function") == []
        assert objects.deleted == []

    def test_a_workspace_of_other_stacks_does_not_move_the_state(
        self, clone: Clone, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TF_WORKSPACE", "other")
        production = clone.environment()
        assert clone.deploy(production) == 0
        assert len(resources(production, "oci_functions_function")) == 1
        assert not [*production.work.glob("terraform.tfstate.d")]

    def test_a_fresh_clone_with_the_folder_shows_no_difference(
        self, clone: Clone, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        production = clone.environment()
        elsewhere = tmp_path / "bucket" / "presign.tfstate"
        production.backend.write_text(
            f'terraform {{\n  backend "local" {{\n    path = "{elsewhere}"\n  }}\n}}\n', encoding="utf-8"
        )
        assert clone.deploy(production, policy=clone.policy(READ_ONLY)) == 0
        assert elsewhere.exists()
        assert not production.state.exists()
        other = Clone(tmp_path / "other")
        shutil.copytree(production.folder, Environment("production", other.root).folder)
        fresh = Environment("production", other.root)
        outputs = AppliedStack(fresh.work, state=fresh.state, environment=connect(fresh)).outputs
        assert outputs["function_ocid"] == resources_in(elsewhere, "oci_functions_function")[0]["id"]
        assert "No changes." in other.plan(fresh, capsys)

    def test_a_state_moves_to_a_new_back_end(
        self, clone: Clone, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        production = clone.environment()
        assert clone.deploy(production) == 0
        elsewhere = tmp_path / "bucket" / "presign.tfstate"
        production.backend.write_text(
            f'terraform {{\n  backend "local" {{\n    path = "{elsewhere}"\n  }}\n}}\n', encoding="utf-8"
        )
        assert "No changes." in clone.plan(production, capsys)
        assert not production.state.exists()
        assert "oci_functions_function" in elsewhere.read_text(encoding="utf-8")
        production.state.write_text(elsewhere.read_text(encoding="utf-8"), encoding="utf-8")
        assert clone.deploy(production) == 1
        assert "The back end of production has a state, and" in capsys.readouterr().err


class TestGit:
    """Files that belong into a repository are not ignored, and secrets are."""

    @pytest.mark.needs("git")
    @pytest.mark.parametrize(
        ("name", "is_ignored"),
        [
            ("presign.tfvars", False),
            ("policy.json", False),
            ("backend.tf", False),
            ("rotation.json", False),
            (".terraform.lock.hcl", False),
            ("presign.tfstate", True),
            ("presign.tfstate.backup", True),
            (".presign.tfstate.lock.info", True),
            ("plan.tfplan", True),
        ],
    )
    def test_a_file_of_an_environment(self, name: str, is_ignored: bool) -> None:
        command = ["git", "check-ignore", "--no-index", "-q", f"environments/production/{name}"]
        assert (subprocess.run(command, cwd=ROOT, check=False).returncode == 0) is is_ignored  # noqa: S603


def archive_of(function: Mapping[str, Any]) -> str:
    """The archive of a function, as text."""
    return str(function["source_details"][0]["archive_source_details"][0]["archive_file"])
