"""The Python client is a file system of fsspec, so pandas and DuckDB read and write by the policy."""

from __future__ import annotations

import json
import pickle
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.stack import BUCKET
from support.systems import Running

fsspec = pytest.importorskip("fsspec", reason="fsspec is installed by `make check` only")

from fsspec.tests import abstract  # noqa: E402
from presign_client import Changed, InvalidArgument  # noqa: E402
from presign_client.filesystem import PresignFileSystem  # noqa: E402

pytestmark = pytest.mark.slow

POLICY = {
    "rules": [
        {"operations": ["*"], "bucket": BUCKET, "prefix": "users/{sub}/"},
        {"operations": ["*"], "bucket": BUCKET, "prefix": "shared/", "via": "par"},
    ]
}


@pytest.fixture(scope="module")
def running(start: Callable[..., Running]) -> Running:
    return start({"POLICY": json.dumps(POLICY)})


@pytest.fixture
def options(running: Running, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The storage options, as all tools take them."""
    monkeypatch.setenv("ALICE_TOKEN", running.stack.token())
    return {"endpoint": f"{running.stack.url}/v1/presign", "token_variable": "ALICE_TOKEN"}


@pytest.fixture
def fs(options: dict[str, Any]) -> Iterator[PresignFileSystem]:
    made = PresignFileSystem(**options, skip_instance_cache=True)
    yield made


class Fixtures(abstract.AbstractFixtures):  # type: ignore[misc] # fsspec has no types
    """The facts that fsspec's own tests need."""

    @pytest.fixture
    def fs(self, options: dict[str, Any]) -> PresignFileSystem:
        return PresignFileSystem(**options, skip_instance_cache=True)

    @pytest.fixture
    def fs_path(self) -> str:
        return f"users/alice/{uuid.uuid4()}"

    @pytest.fixture
    def fs_join(self) -> Callable[..., str]:
        return lambda *parts: "/".join(parts)

    @pytest.fixture
    def supports_empty_directories(self) -> bool:
        return False


class TestCopy(Fixtures, abstract.AbstractCopyTests):  # type: ignore[misc]
    """Those of fsspec."""


class TestGet(Fixtures, abstract.AbstractGetTests):  # type: ignore[misc]
    """Those of fsspec."""


class TestPut(Fixtures, abstract.AbstractPutTests):  # type: ignore[misc]
    """Those of fsspec."""


class TestOpen(Fixtures, abstract.AbstractOpenTests):  # type: ignore[misc]
    """Those of fsspec."""


class TestPipe(Fixtures, abstract.AbstractPipeTests):  # type: ignore[misc]
    """Those of fsspec."""


class TestFiles:
    """Files behave as elsewhere."""

    def test_a_large_file_is_read_from_any_place(self, fs: PresignFileSystem) -> None:
        data = bytes(range(256)) * 80_000
        with fs.open("users/alice/large", "wb") as file:
            file.write(data)
        with fs.open("presign://users/alice/large", "rb") as file:
            assert file.seek(-1000, 2) == len(data) - 1000
            assert file.read() == data[-1000:]
            file.seek(12_345_678)
            assert file.read(10) == data[12_345_678:12_345_688]
        assert fs.cat_file("users/alice/large", -3) == data[-3:]
        assert fs.cat_file("users/alice/large", 5, 5) == b""

    def test_a_file_that_exists_is_not_created_again(self, fs: PresignFileSystem) -> None:
        """Somebody else may create it between the opening and the closing."""
        with pytest.raises(FileExistsError), fs.open("users/alice/new", "xb") as file:
            file.write(b"mine")
            fs.pipe_file("users/alice/new", b"theirs")
        assert fs.cat_file("users/alice/new") == b"theirs"

    def test_text_and_empty_files(self, fs: PresignFileSystem) -> None:
        with fs.open("users/alice/text", "w", encoding="utf-8") as file:
            file.write("Grüße")
        with fs.open("users/alice/text", "r", encoding="utf-8") as file:
            assert file.read() == "Grüße"
        fs.touch("users/alice/empty")
        assert (fs.cat("users/alice/empty"), fs.size("users/alice/empty")) == (b"", 0)

    def test_errors_are_those_of_python(self, fs: PresignFileSystem) -> None:
        with pytest.raises(FileNotFoundError):
            fs.open("users/alice/none")
        with pytest.raises(FileNotFoundError):
            fs.ls("users/alice/none")
        with pytest.raises(PermissionError):
            fs.cat_file("users/bob/secret")
        with pytest.raises(NotImplementedError):
            fs.open("users/alice/log", "ab")

    def test_a_folder_is_walked(self, fs: PresignFileSystem) -> None:
        fs.pipe({f"users/alice/walk/{name}": b"x" for name in ("a", "b/c", "b/d/e")})
        assert fs.find("users/alice/walk") == [f"users/alice/walk/{name}" for name in ("a", "b/c", "b/d/e")]
        assert fs.ls("users/alice/walk", detail=False) == ["users/alice/walk/a", "users/alice/walk/b"]
        assert fs.isdir("users/alice/walk/b") and not fs.isfile("users/alice/walk/b")

    def test_the_folder_that_the_policy_names_is_one(self, fs: PresignFileSystem) -> None:
        """The rule's prefix is `users/alice/`, so nobody may ask about the key `users/alice`."""
        fs.pipe_file("users/alice/root", b"x")
        for path in ("users/alice", "users/alice/"):
            assert (fs.info(path)["type"], fs.isdir(path), fs.exists(path)) == ("directory", True, True)
        with pytest.raises(PermissionError):
            fs.info("users/bob")
        with pytest.raises(FileNotFoundError):
            fs.info("users/alice/none")

    def test_a_file_that_is_replaced_is_not_read_on(self, fs: PresignFileSystem) -> None:
        fs.pipe_file("users/alice/replaced", bytes(30 << 20))
        with fs.open("users/alice/replaced", cache_type="none") as file:
            assert file.read(5) == bytes(5)
            fs.pipe_file("users/alice/replaced", b"shorter")
            file.seek(20 << 20)
            with pytest.raises(Changed):
                file.read(5)

    def test_pre_authenticated_requests_serve_too(self, fs: PresignFileSystem) -> None:
        fs.pipe_file("shared/a", b"hello")
        assert fs.cat_file("shared/a", 1, 3) == b"el"
        assert fs.ls("shared", detail=False) == ["shared/a"]

    def test_a_transaction_stores_all_or_nothing(self, fs: PresignFileSystem) -> None:
        def write_and_fail() -> None:
            with fs.transaction, fs.open("users/alice/all", "wb") as file:
                file.write(b"x")
                raise RuntimeError

        with pytest.raises(RuntimeError):
            write_and_fail()
        assert not fs.exists("users/alice/all")


class TestSecrets:
    """No option holds a token, since fsspec writes options into JSON and pickles."""

    def test_the_options_name_a_variable(self, fs: PresignFileSystem, running: Running) -> None:
        fs.pipe_file("users/alice/kept", b"hello")
        written = [fs.to_json().encode(), pickle.dumps(fs), repr(fs).encode()]
        assert not any(running.stack.token()[:20].encode() in one for one in written)
        assert pickle.loads(pickle.dumps(fs)).cat_file("users/alice/kept") == b"hello"  # noqa: S301 - our own
        assert fsspec.AbstractFileSystem.from_json(fs.to_json()).cat_file("users/alice/kept") == b"hello"

    @pytest.mark.parametrize("option", [{"token_variable": 5}, {"get_token": 5}, {"endpoint": 5}, {"endpoint": "a"}])
    def test_an_option_that_can_not_be_used(self, options: dict[str, Any], option: dict[str, Any]) -> None:
        with pytest.raises(InvalidArgument):
            PresignFileSystem(**{**options, **option}, skip_instance_cache=True)

    @pytest.mark.parametrize("name", ["token_variable", "get_token", "token"])
    def test_a_token_is_refused_and_not_repeated(self, options: dict[str, Any], running: Running, name: str) -> None:
        token = running.stack.token()
        with pytest.raises(InvalidArgument) as caught:
            PresignFileSystem(**{**options, name: token}, skip_instance_cache=True)
        assert token not in str(caught.value)

    def test_a_function_gives_the_token(self, options: dict[str, Any], running: Running) -> None:
        fs = PresignFileSystem(options["endpoint"], get_token=running.stack.token, skip_instance_cache=True)
        fs.pipe_file("users/alice/function", b"hello")
        assert fs.cat_file("users/alice/function") == b"hello"


class TestTools:
    """Tools find the file system by the beginning of a URL."""

    def test_pandas(self, options: dict[str, Any]) -> None:
        pandas = pytest.importorskip("pandas", reason="pandas is installed by `make check` only")
        fsspec.register_implementation("presign", PresignFileSystem, clobber=True)
        table = pandas.DataFrame({"city": ["Zürich", "Bern"], "count": [3, 4]})
        table.to_csv("presign://users/alice/table.csv", index=False, storage_options=options)
        found = pandas.read_csv("presign://users/alice/table.csv", storage_options=options)
        assert found.to_dict("list") == {"city": ["Zürich", "Bern"], "count": [3, 4]}

    def test_duckdb(self, fs: PresignFileSystem) -> None:
        duckdb = pytest.importorskip("duckdb", reason="DuckDB is installed by `make check` only")
        with duckdb.connect() as database:
            database.register_filesystem(fs)
            database.execute("COPY (SELECT range AS n FROM range(1000)) TO 'presign://users/alice/numbers.parquet'")
            total = database.execute("SELECT sum(n) FROM 'presign://users/alice/numbers.parquet'").fetchone()
            assert total == (499_500,)
            database.execute("COPY (SELECT 1 AS one) TO 'presign://users/alice/part-1.csv'")
            database.execute("COPY (SELECT 2 AS one) TO 'presign://users/alice/part-2.csv'")
            assert database.execute("SELECT sum(one) FROM 'presign://users/alice/part-*.csv'").fetchone() == (3,)
