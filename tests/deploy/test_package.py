"""`python -m deploy package`: what is made for the image is small, and the function works on it alone."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy import package
from deploy.imports import closure

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def image(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image that `--image` names, or else one that is made now."""
    made: Path | None = pytestconfig.getoption("--image")
    if made is None:
        made = tmp_path_factory.mktemp("image") / "image"
        package.build(made, requirements=ROOT / "requirements.txt")
    return made


class TestClosure:
    """What stays is what was imported, and what functions in that import, and so on."""

    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        for name, source in {
            "used.py": "import gone\ndef f():\n    import later\nif TYPE_CHECKING:\n    import typed",
            "gone.py": "",
            "typed.py": "",
            "later.py": "import os, package.module",
            "package/__init__.py": "from . import sibling",
            "package/module.py": "async def f():\n    from .other import name\n    from .. import too_far",
            "package/sibling.py": "",
            "package/other.py": "class A:\n    def f(self):\n        import typing, package.data.none",
            "package/unused.py": "import later",
        }.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(source)
        return tmp_path

    def test_what_a_function_imports_stays_with_all_that_it_imports(self, root: Path) -> None:
        found = {str(path.relative_to(root)) for path in closure([root / "used.py"], root=root)}
        assert found == {
            "used.py",
            "later.py",
            "package/__init__.py",
            "package/module.py",
            "package/sibling.py",
            "package/other.py",
        }

    def test_what_code_outside_functions_did_not_import_it_never_will(self, root: Path) -> None:
        assert closure([root / "package/__init__.py"], root=root) == {root / "package/__init__.py"}


class TestImage:
    """The packages of the image, and the function on them alone."""

    def test_size(self, image: Path) -> None:
        assert package.size(image / "python") <= 40e6

    def test_what_can_never_be_imported_is_gone(self, image: Path) -> None:
        packages = image / "python"
        assert not (packages / "oci" / "core").exists()
        assert not (packages / "botocore" / "data" / "ec2").exists()
        assert not list(packages.rglob("*.pyi"))
        assert (packages / "oci" / "secrets" / "secrets_client.py").exists()
        assert (packages / "certifi" / "cacert.pem").exists()

    def test_everything_is_compiled(self, image: Path) -> None:
        for source in image.rglob("*.py"):
            assert (source.parent / "__pycache__" / f"{source.stem}.cpython-311.pyc").exists(), source

    def test_the_stock_entry_point_is_there(self, image: Path) -> None:
        assert (image / "python" / "bin" / "fdk").exists()

    def test_a_missing_module_fails_the_build(self, image: Path, tmp_path: Path) -> None:
        broken = tmp_path / "image"
        shutil.copytree(image, broken)
        for name in ("secrets_client.py", "__pycache__/secrets_client.cpython-311.pyc"):
            (broken / "python" / "oci" / "secrets" / name).unlink()
        with pytest.raises(package.BuildFailed, match="secrets_client"):
            package.exercise(broken)

    @pytest.mark.slow
    def test_the_function_works_on_it_end_to_end(self, image: Path) -> None:
        """The end-to-end tests, with a function that has these packages and no others, for both signers at once."""
        command: list[str | Path] = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--image", image]
        tests = {
            "sigv4": ["tests/e2e/test_end_to_end.py", "tests/e2e/test_start.py"],
            "boto3": ["tests/e2e/test_end_to_end.py"],
        }
        runs = [
            subprocess.Popen([*command, "--signer", signer, *files], cwd=ROOT, stdout=subprocess.PIPE, text=True)  # noqa: S603
            for signer, files in tests.items()
        ]
        outputs = [run.communicate(timeout=300)[0] for run in runs]
        assert [run.returncode for run in runs] == [0, 0], "\n".join(outputs)
