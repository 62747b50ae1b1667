"""`python -m deploy package`: what is deployed is small, and the function works on it alone."""

from __future__ import annotations

import ast
import json
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy import archives, package
from local.stack import Stack
from tools.bench.process import Process, Program, request

ROOT = Path(__file__).resolve().parents[2]
POLICY = {"rules": [{"operations": ["read"], "bucket": "photos", "prefix": ""}]}


pytestmark = pytest.mark.slow  # the image takes over 20 seconds to make


@pytest.fixture(scope="session")
def image(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image that `--image` names, or else one that is made now."""
    made: Path | None = pytestconfig.getoption("--image")
    if made is None:
        made = tmp_path_factory.mktemp("image") / "image"
        package.build(made, requirements=ROOT / "requirements.txt")
    return made


@pytest.fixture(scope="session")
def archive(image: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive of a code-only function."""
    made = tmp_path_factory.mktemp("archive") / "function.zip"
    archives.write_archive(image, made)
    return made


def third_party_imports(folder: Path) -> Iterator[str]:
    """The modules that the function imports, in functions too, and that are not its own or Python's."""
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.Import):
                found = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found = [node.module]
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "sdk.load":
                found = [ast.literal_eval(argument) for argument in node.args]
            else:
                continue
            yield from (name for name in found if name.partition(".")[0] not in {"presign", *sys.stdlib_module_names})


class TestImage:
    """The packages of the image, and the function on them alone."""

    def test_size(self, image: Path) -> None:
        assert package.size(image / "python") <= 28e6

    def test_only_the_function_is_deployed(self, image: Path) -> None:
        assert sorted(path.name for path in (image / "function").iterdir() if path.name != "__pycache__") == [
            "func.py",
            "gateway",
            "presign",
        ]
        assert [path.name for path in (image / "function" / "gateway").iterdir()] == ["openapi.json"]

    def test_unused_parts_of_the_packages_are_gone(self, image: Path) -> None:
        packages = image / "python"
        assert not (packages / "oci" / "core").exists()
        assert not (packages / "botocore" / "data" / "ec2").exists()
        assert not list(packages.rglob("*.pyi"))
        assert (packages / "oci" / "secrets" / "secrets_client.pyc").exists()
        assert (packages / "certifi" / "cacert.pem").exists()

    def test_everything_that_the_function_imports_is_there(self, image: Path) -> None:
        names = sorted({*third_party_imports(image / "function")})
        assert "oci.secrets" in " ".join(names)
        for name in names:
            path = image / "python" / name.replace(".", "/")
            assert path.is_dir() or path.with_suffix(".pyc").is_file(), name

    def test_everything_is_compiled(self, image: Path) -> None:
        assert not list((image / "python").rglob("*.py"))
        kind = sys.implementation.cache_tag
        for source in image.rglob("*.py"):
            assert (source.parent / "__pycache__" / f"{source.stem}.{kind}.pyc").exists(), source

    def test_the_stock_entry_point_is_there(self, image: Path) -> None:
        assert (image / "python" / "bin" / "fdk").exists()

    @pytest.mark.parametrize("module", ["oci.secrets.secrets_client", "oci.pagination"])
    def test_a_missing_module_fails_the_build(self, image: Path, tmp_path: Path, module: str) -> None:
        """Also one that only the SDK imports, when its deferred code runs."""
        broken = tmp_path / "image"
        shutil.copytree(image, broken)
        path = broken / "python" / module.replace(".", "/")
        shutil.rmtree(path) if path.is_dir() else path.with_suffix(".pyc").unlink()
        with pytest.raises(archives.BuildFailed, match=module.rpartition(".")[2]):
            package.smoke_test(broken)

    @pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another allocator")
    def test_a_warm_call_maps_no_memory(self, image: Path) -> None:
        """`func.py` frees one large block for that; with all of the SDK imported, some other block would do."""
        program = Program(image / "function", [image / "function", image / "python"], ["func.py"])
        call = request(b'{"key": "a"}', gateway=False)
        with Stack() as stack:
            environment = {**stack.principal.environment(), **stack.settings()}
            with Process(program, environment) as process:
                connection = process.connect()
                faults = []
                for _ in range(300):
                    connection.call(call)
                    status = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8")
                    faults.append(int(status.rpartition(")")[2].split()[7]))
                connection.close()
        assert faults[-1] - faults[-101] < 100

    @pytest.mark.slow
    def test_the_function_works_on_it_and_on_the_archive(self, image: Path, archive: Path, tmp_path: Path) -> None:
        """The end-to-end tests, with a function that has these packages and no others, for both signers at once."""
        unpacked = tmp_path / "unpacked"
        shutil.unpack_archive(archive, unpacked)
        shutil.copytree(image / "python" / "bin", unpacked / "python" / "bin")  # the runtime's own way to start it
        command: list[Path | str] = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        runs = [
            subprocess.Popen(  # noqa: S603
                [*command, "--image", files, "--signer", signer, *tests],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                encoding="utf-8",
            )
            for files, signer, tests in (
                (image, "sigv4", ["tests/e2e/test_end_to_end.py", "tests/e2e/test_start.py"]),
                (unpacked, "boto3", ["tests/e2e/test_end_to_end.py"]),
            )
        ]
        outputs = [run.communicate(timeout=300)[0] for run in runs]
        assert [run.returncode for run in runs] == [0, 0], "\n".join(outputs)


class TestPolicy:
    """The policy files that are deployed."""

    def test_one_that_is_named_takes_the_place_of_those_at_the_top(self, tmp_path: Path) -> None:
        file = tmp_path / "mine.json"
        file.write_text(json.dumps(POLICY), encoding="utf-8")
        package.copy_function(tmp_path / "function", policy=file)
        assert [path.name for path in (tmp_path / "function").glob("*.json")] == ["policy.json"]
        assert json.loads((tmp_path / "function" / "policy.json").read_text(encoding="utf-8")) == POLICY

    def test_one_with_an_error_fails_the_build(self, image: Path, tmp_path: Path) -> None:
        shutil.copytree(image / "function", tmp_path / "function")
        (tmp_path / "python").symlink_to(image / "python")
        (tmp_path / "function" / "policy.json").write_text('{"rules": [{"operations": ["fetch"]}]}', encoding="utf-8")
        with pytest.raises(archives.BuildFailed, match=r"/rules/0/bucket.*is required"):
            package.smoke_test(tmp_path)


class TestRollBack:
    """The archive of an earlier release, with the policy of the environment."""

    def test_the_copy_has_this_policy_and_no_other(self, tmp_path: Path) -> None:
        release, copy, policy = tmp_path / "release.zip", tmp_path / "copy.zip", tmp_path / "mine.json"
        with zipfile.ZipFile(release, "w") as opened:
            for name in ("function/func.py", "function/policy.json", "function/policy-2.json", "python/a.pyc"):
                opened.writestr(name, f"of the release: {name}")
        policy.write_text(json.dumps(POLICY), encoding="utf-8")
        archives.with_policy(release, copy, policy=policy)
        with zipfile.ZipFile(copy) as opened:
            assert opened.namelist() == ["function/func.py", "function/policy.json", "python/a.pyc"]
            assert json.loads(opened.read("function/policy.json")) == POLICY
            assert opened.read("python/a.pyc") == b"of the release: python/a.pyc"
        archives.with_policy(release, copy, policy=None)
        with zipfile.ZipFile(copy) as opened:
            assert opened.namelist() == ["function/func.py", "python/a.pyc"]

    def test_it_is_the_archive_that_a_build_with_the_policy_makes(self, archive: Path, tmp_path: Path) -> None:
        unpacked, built, policy = tmp_path / "unpacked", tmp_path / "built.zip", tmp_path / "mine.json"
        policy.write_text(json.dumps(POLICY), encoding="utf-8")
        shutil.unpack_archive(archive, unpacked)
        shutil.copy(policy, unpacked / "function" / "policy.json")
        archives.write_archive(unpacked, built)
        archives.with_policy(archive, tmp_path / "copy.zip", policy=policy)
        assert (tmp_path / "copy.zip").read_bytes() == built.read_bytes()

    @pytest.mark.parametrize(("content", "error"), [(b"none", "can't be read"), (None, "no archive of this function")])
    def test_another_file(self, tmp_path: Path, content: bytes | None, error: str) -> None:
        file = tmp_path / "other.zip"
        if content is None:
            with zipfile.ZipFile(file, "w") as opened:
                opened.writestr("a", "b")
        else:
            file.write_bytes(content)
        with pytest.raises(archives.BuildFailed, match=error):
            archives.with_policy(file, tmp_path / "copy.zip", policy=None)

    def test_one_that_is_damaged(self, tmp_path: Path) -> None:
        file = tmp_path / "damaged.zip"
        archives.write_zip(file, {"function/func.py": Path(__file__)})
        content = bytearray(file.read_bytes())
        content[30 + len("function/func.py")] = 0b111  # no such kind of block: RFC 1951, 3.2.3
        file.write_bytes(content)
        with pytest.raises(archives.BuildFailed, match=r"damaged\.zip can't be read: .* invalid block type"):
            archives.with_policy(file, tmp_path / "copy.zip", policy=None)


class TestArchive:
    """The archive of a code-only function."""

    def test_size(self, archive: Path) -> None:
        assert archive.stat().st_size <= 9e6

    def test_it_holds_the_two_folders_that_the_runtime_reads(self, archive: Path) -> None:
        with zipfile.ZipFile(archive) as opened:
            names = opened.namelist()
        assert {name.partition("/")[0] for name in names} == {"function", "python"}
        assert {"function/func.py", "python/fdk/__init__.pyc"} <= set(names)
        assert not [name for name in names if name.startswith("python/bin/")]

    def test_the_handler_answers_with_the_archive_alone(self, archive: Path, tmp_path: Path) -> None:
        """Both signers, every operation, and `func.handler` as the FDK calls it, by Python without other packages."""
        shutil.unpack_archive(archive, tmp_path)
        package.smoke_test(tmp_path)

    def test_the_same_package_gives_the_same_bytes(self, image: Path, archive: Path, tmp_path: Path) -> None:
        copy = tmp_path / "copy"
        shutil.copytree(image, copy)
        for number, file in enumerate(sorted(copy.rglob("*.py*"), reverse=True)):
            os.utime(file, (number, number))
            file.chmod(0o600)
        archives.write_archive(copy, tmp_path / "again.zip")
        assert (tmp_path / "again.zip").read_bytes() == archive.read_bytes()

    def test_bytecode_names_no_folder_of_the_machine_that_made_it(self, image: Path) -> None:
        for compiled in image.rglob("*.pyc"):
            assert str(image).encode() not in compiled.read_bytes(), compiled

    def test_one_that_is_too_large_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "package").mkdir()
        (tmp_path / "package" / "large").write_bytes(os.urandom(25_000_000))
        with pytest.raises(archives.BuildFailed, match=r"OCI Functions takes 25,000,000 at most"):
            archives.write_archive(tmp_path / "package", tmp_path / "a.zip")
        assert not (tmp_path / "a.zip").exists()

    def test_neither_a_folder_nor_an_archive_is_named(self) -> None:
        command = [sys.executable, "-m", "deploy", "package"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=30, check=False)  # noqa: S603
        assert (done.returncode, done.stderr) == (2, "Name a DIRECTORY, or an archive with --zip FILE.\n")
