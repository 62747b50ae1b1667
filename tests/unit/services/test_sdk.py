"""The SDK works with deferred packages, and none of their code runs for what the function does."""

from __future__ import annotations

import ast
import gc
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from pkgutil import get_data
from textwrap import dedent
from types import ModuleType
from uuid import uuid4

import pytest

from local.identity.resource_principal import ResourcePrincipal
from local.server import Server
from local.stack import ROOT
from local.vault import Vault
from presign.services.sdk import DEFERRED, load

SECRET_OCID = "ocid1.vaultsecret.oc1.x"

ASK = f"""
import os, time
from pathlib import Path
from presign.services.client import OciClient, PrincipalFiles, SecretReference
from presign.services.regions import realm_domain

paths = [Path(os.environ[f"OCI_RESOURCE_PRINCIPAL_{{name}}"]) for name in ("RPST", "PRIVATE_PEM")]
files = PrincipalFiles(token_path=paths[0], key_path=paths[1], passphrase_path=None, region="eu-frankfurt-1")
client = OciClient(
    principal=files if sys.argv[2] == "files" else None,
    vault_endpoint=sys.argv[1],
    object_storage_endpoint=sys.argv[1],
    clock=time.time,
)
client.secret_content(SecretReference(secret_ocid="{SECRET_OCID}"))
client.object_storage
realm_domain("eu-frankfurt-1")
print(json.dumps([name for name in DEFERRED if not is_deferred(name)]))
"""

COMPARE = """
from pkgutil import iter_modules

load("oci.auth.signers.resource_principals_signer")
load("oci.secrets.secrets_client")
load("oci.object_storage.object_storage_client")
packages = {name: import_module(name) for name in DEFERRED}
found = {(name, member): getattr(packages[name], member) for name in DEFERRED for member in DEFERRED[name]}
assert all(map(is_deferred, DEFERRED))
for package in packages.values():
    getattr(package, "no_such_name", None)
assert not any(map(is_deferred, DEFERRED))
different = [key for key, value in found.items() if value is not vars(packages[key[0]])[key[1]]]
for name, package in packages.items():
    parts = {part.name for part in iter_modules(getattr(package, "__path__", []))} & vars(package).keys()
    different += [(name, part) for part in parts if vars(package)[part] is not sys.modules.get(f"{name}.{part}")]
print(json.dumps(different))
"""


def run(code: str, *arguments: str, environment: dict[str, str] | None = None) -> object:
    """The JSON that `code` prints in a Python of its own, where nothing of the SDK was imported before."""
    start = """
import json, sys
from importlib import import_module
from presign.services.sdk import DEFERRED, load

if "mutmut" in sys.modules:  # it has changed `load`, and needs one of the modules itself
    del sys.modules["configparser"]

def is_deferred(name):
    return type(vars(sys.modules[name]).get("__getattr__")).__name__ == "_DeferredCode"
"""
    command = [sys.executable, "-c", start + code, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=60, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b""
    return json.loads(done.stdout)


class TestSdk:
    """This version of the SDK: if one of these fails with a new version, the function is slower, not wrong."""

    @pytest.mark.parametrize(
        ("signer", "run_code"),
        [("files", []), ("the SDK's own", ["jwt", "cryptography.hazmat.primitives.serialization"])],
    )
    def test_no_deferred_code_runs_when_the_function_asks_oci(
        self, tmp_path: Path, signer: str, run_code: list[str]
    ) -> None:
        identity = ResourcePrincipal(tmp_path, region="eu-frankfurt-1")
        vault = Vault(identity)
        vault.put_secret("first", secret_id=SECRET_OCID, name="key", vault_id="ocid1.vault.oc1.x")
        server = Server(vault)
        try:
            assert run(ASK, server.url, signer, environment=dict(identity.environment())) == run_code
        finally:
            server.stop()
        assert vault.requests == 1

    def test_a_deferred_package_gives_the_same_as_its_own_code(self) -> None:
        assert run(COMPARE) == []

    @pytest.mark.parametrize("package", DEFERRED)
    def test_its_code_does_nothing_but_import_and_define(self, package: str) -> None:
        file = import_module(package).__file__
        assert file is not None
        calls = [
            ast.unparse(node.value.func)
            for node in ast.walk(ast.parse(Path(file).read_bytes()))
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and node.col_offset == 0
        ]
        assert calls == {
            "oci": ["fips.enable_fips_mode"],  # which `OciClient` calls
            "cryptography.hazmat.primitives.serialization": ["utils.deprecated"] * 2,  # of names that nobody uses here
        }.get(package, [])


MakePackage = Callable[..., str]


@pytest.fixture
def make_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakePackage:
    """Makes a package of these files, and returns its name."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(**files: str) -> str:
        name = f"deferred_{uuid4().hex}"
        (tmp_path / name).mkdir()
        for stem, text in files.items():
            (tmp_path / name / f"{stem}.py").write_text(text.replace("PACKAGE", name), encoding="utf-8")
        return name

    return make


def imported(name: str) -> ModuleType | None:
    return sys.modules.get(name)


class TestAnyPackage:
    """A package that was not made for this works too."""

    def test_a_submodule_is_imported_alone(self, make_package: MakePackage) -> None:
        package = make_package(__init__="from . import other", part="VALUE = 1", other="")
        assert load(f"{package}.part", deferred={package: {}}).VALUE == 1
        assert imported(f"{package}.other") is None
        assert sys.modules[package].other is imported(f"{package}.other") is not None

    def test_a_submodule_is_found_without_its_code(self, make_package: MakePackage) -> None:
        package = make_package(__init__="READY = 1", part="", other="VALUE = 11")
        load(f"{package}.part", deferred={package: {}})
        assert sys.modules[package].other.VALUE == 11
        assert "READY" not in vars(sys.modules[package])

    def test_its_files_can_be_read(self, make_package: MakePackage) -> None:
        package = make_package(__init__="READY = 1", part="")
        load(f"{package}.part", deferred={package: {}})
        assert get_data(package, "__init__.py") == b"READY = 1"
        assert "READY" not in vars(sys.modules[package])

    def test_a_name_that_it_defines_itself_runs_its_code(self, make_package: MakePackage) -> None:
        package = make_package(__init__="VALUE = 2", part="from PACKAGE import VALUE")
        assert load(f"{package}.part", deferred={package: {}}).VALUE == 2

    def test_a_module_without_submodules(self, make_package: MakePackage) -> None:
        package = make_package(__init__="", part="from PACKAGE import other", other="VALUE = 4")
        other = f"{package}.other"
        load(f"{package}.part", deferred={package: {}, other: {}})
        assert "VALUE" not in vars(sys.modules[other])
        assert sys.modules[other].VALUE == 4

    def test_one_that_is_removed_meanwhile(self, make_package: MakePackage, monkeypatch: pytest.MonkeyPatch) -> None:
        package = make_package(__init__="", part="from PACKAGE import other", other="VALUE = 12")
        part = load(f"{package}.part", deferred={f"{package}.other": {}})
        monkeypatch.delitem(sys.modules, f"{package}.other")
        assert part.other.VALUE == 12

    def test_a_name_that_its_code_has_yet_to_define(self, make_package: MakePackage) -> None:
        code = """
            import sys
            try:
                sys.modules[__name__].value
            except AttributeError as exc:
                told = str(exc)
            value = 13
        """
        package = make_package(__init__=dedent(code), part="")
        load(f"{package}.part", deferred={package: {}})
        assert sys.modules[package].value == 13
        assert sys.modules[package].told == f"module '{package}' has no attribute 'value'"

    def test_a_name_that_it_does_not_have(self, make_package: MakePackage) -> None:
        package = make_package(__init__="", part="")
        load(f"{package}.part", deferred={package: {}})
        with pytest.raises(AttributeError, match="no_such_name"):
            sys.modules[package].no_such_name  # noqa: B018

    def test_a_listed_name_is_taken_from_its_submodule(self, make_package: MakePackage) -> None:
        package = make_package(__init__="from .a import A\nfrom . import other", a="A = 3", other="")
        load(f"{package}.a", deferred={package: {"A": "a"}})
        assert sys.modules[package].A == 3
        assert vars(sys.modules[package])["A"] == 3  # so the next to ask finds it at once
        assert imported(f"{package}.other") is None

    @pytest.mark.parametrize("submodule", ["gone", "part"])
    def test_a_listed_name_that_has_moved(self, make_package: MakePackage, submodule: str) -> None:
        package = make_package(__init__="from .a import A", a="A = 4", part="")
        load(f"{package}.part", deferred={package: {"A": submodule}})
        assert sys.modules[package].A == 4

    def test_one_that_does_not_work_so_is_imported_as_usual(
        self, make_package: MakePackage, caplog: pytest.LogCaptureFixture
    ) -> None:
        package = make_package(__init__="READY = 5", part="import sys\nVALUE = vars(sys.modules['PACKAGE'])['READY']")
        assert load(f"{package}.part", deferred={package: {}}).VALUE == 5
        told = f"{package}.part does not work with deferred packages: KeyError at "
        assert caplog.messages[0].startswith(told)

    def test_then_so_are_the_modules_that_were_imported_before(self, make_package: MakePackage, tmp_path: Path) -> None:
        package = make_package(__init__="READY = 14")
        (tmp_path / package / "inner").mkdir()
        (tmp_path / package / "inner" / "__init__.py").write_text("", encoding="utf-8")
        look = f"import sys\nVALUE = vars(sys.modules['{package}'])"
        for stem, text in {"early": f"{look}.get('READY')", "part": f"from . import early\n{look}['READY']"}.items():
            (tmp_path / package / "inner" / f"{stem}.py").write_text(text, encoding="utf-8")
        assert load(f"{package}.inner.part", deferred={package: {}}).early.VALUE == 14

    def test_one_that_needs_the_code_of_another_package(self, make_package: MakePackage) -> None:
        beside = make_package(__init__="READY = 8")
        package = make_package(
            __init__="", part=f"import sys, {beside}\nVALUE = vars(sys.modules['{beside}'])['READY']"
        )
        assert load(f"{package}.part", deferred={package: {}, beside: {}}).VALUE == 8

    def test_one_whose_code_puts_another_module_in_its_place(self, make_package: MakePackage, tmp_path: Path) -> None:
        package = make_package(__init__="", part="from PACKAGE.outer import inner")
        (tmp_path / package / "outer" / "inner").mkdir(parents=True)
        code = "import sys, types\nVALUE = 9\nsys.modules[__name__] = new = types.ModuleType('new')\nnew.VALUE = 10"
        (tmp_path / package / "outer" / "inner" / "__init__.py").write_text(code, encoding="utf-8")
        load(f"{package}.part", deferred={f"{package}.outer.inner": {}})
        outer = sys.modules[f"{package}.outer"]
        assert outer.inner.VALUE == 10
        assert outer.inner is imported(f"{package}.outer.inner")

    def test_one_that_is_not_there(self) -> None:
        with pytest.raises(ModuleNotFoundError, match="no_such_package"):
            load("no_such_package.part", deferred={"no_such_package": {}})

    def test_one_that_is_imported_already_stays(self, make_package: MakePackage) -> None:
        package = make_package(__init__="VALUE = 6", part="")
        whole = load(package, deferred={})
        assert load(f"{package}.part", deferred={package: {}}) is whole.part
        assert vars(whole)["VALUE"] == 6

    def test_other_threads_wait_until_its_code_has_run(self, make_package: MakePackage) -> None:
        package = make_package(__init__="import time\ntime.sleep(0.2)\nVALUE = 7", part="")
        load(f"{package}.part", deferred={package: {}})
        found: list[int] = []
        threads = [threading.Thread(target=lambda: found.append(sys.modules[package].VALUE)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=10)
        assert found == [7, 7, 7, 7]

    def test_the_garbage_collector_is_as_before(self, make_package: MakePackage) -> None:
        package = make_package(__init__="import gc\nENABLED = gc.isenabled()")
        assert gc.isenabled()
        assert load(package, deferred={}).ENABLED is False
        assert gc.isenabled()

    def test_the_garbage_collector_stays_disabled(self, make_package: MakePackage) -> None:
        package = make_package(__init__="")
        gc.disable()
        try:
            load(package, deferred={})
            assert not gc.isenabled()
        finally:
            gc.enable()
