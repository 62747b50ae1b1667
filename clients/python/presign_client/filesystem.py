"""Objects as files of fsspec, for pandas, DuckDB and others: `presign://users/alice/table.parquet`.

The paths are keys in the default bucket, or in the one that the option `bucket` names.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from fsspec import AbstractFileSystem
from fsspec.callbacks import DEFAULT_CALLBACK
from fsspec.spec import AbstractBufferedFile

from presign_client import checks
from presign_client.api import Via
from presign_client.client import Client
from presign_client.errors import InvalidArgument, NoToken, PresignError, Problem, StoreError
from presign_client.gateway import Gateway
from presign_client.listing import Entry

_REFUSED = (401, 403)
_NO_FILE = ((StoreError, 404), (Problem, 403))
"""The answers if there is no such file, or none that the policy allows."""


class PresignFileSystem(AbstractFileSystem):  # type: ignore[misc] # fsspec has no types
    """Objects as files. There are no empty folders, and no file can be appended to.

    Args:
        endpoint: URL of the API; by default that in the environment variable `PRESIGN_ENDPOINT`.
        token_variable: name of the environment variable that holds the token. The token itself is no option, since
            fsspec writes options into pickles and JSON.
        get_token: a function that gives the token, in place of the variable.
        bucket: by default the function's own.
        via: `s3` or `par`; by default the policy decides.

    Raises:
        InvalidArgument: an option is missing or wrong.
    """

    protocol = "presign"

    def __init__(
        self,
        endpoint: str | None = None,
        *,
        token_variable: str = "PRESIGN_TOKEN",  # noqa: S107 - the name of a variable
        get_token: Callable[[], str] | None = None,
        bucket: str | None = None,
        via: Via | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if "token" in options:
            raise InvalidArgument("The token is no option: name a variable by token_variable, or give get_token.")
        if not (isinstance(token_variable, str) and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", token_variable)):
            raise InvalidArgument("token_variable must be the name of an environment variable.")
        checks.function(get_token, "get_token")
        url = endpoint or os.environ.get("PRESIGN_ENDPOINT")
        if not url:
            raise InvalidArgument("Set the option endpoint, or the environment variable PRESIGN_ENDPOINT.")

        def token() -> str:
            if get_token:
                return get_token()
            if token_variable not in os.environ:
                raise NoToken(f"Set the environment variable {token_variable}.")
            return os.environ[token_variable]

        self.client = Client(Gateway(url, token), bucket=bucket, via=via)

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        """The files and folders in a folder."""
        path = self._strip_protocol(path)
        with _translated(path):
            folder = f"{path}/" if path else ""
            below = [entry for entry in self.client.list(folder, delimiter="/") if entry.key != folder]
        found = [_info(entry) for entry in below] or [self.info(path)]
        if not below and found[0]["type"] == "directory":
            found = []
        return found if detail else [one["name"] for one in found]

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """The size and the kind of a file or a folder."""
        path = self._strip_protocol(path)
        if not path:
            return {"name": "", "size": 0, "type": "directory"}
        with _translated(path):
            try:
                return _info(self.client.head(path))
            except (StoreError, Problem) as error:
                # The policy may allow what is in a folder, and not the key that is its name.
                if (type(error), error.status) not in _NO_FILE or not self._has_files(path):
                    raise
        return {"name": path, "size": 0, "type": "directory"}

    def _has_files(self, path: str) -> bool:
        try:
            return next(self.client.list(f"{path}/"), None) is not None
        except Problem as problem:
            if problem.status in _REFUSED:
                return False
            raise

    def modified(self, path: str) -> datetime:
        """When a file was last written."""
        path = self._strip_protocol(path)
        with _translated(path):
            return datetime.fromisoformat(self.client.head(path).modified_at)

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **_: Any) -> bytes:
        """The bytes of a file, or some of them; negative offsets count from its end."""
        path = self._strip_protocol(path)
        with _translated(path):
            if (start or 0) < 0 or (end or 0) < 0:
                size = self.client.size(path)
                start, end = (at + size if at is not None and at < 0 else at for at in (start, end))
            return self.client.read(path, max(start or 0, 0), end)

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **options: Any) -> None:
        """Store bytes; `mode="create"` refuses to replace a file."""
        path = self._strip_protocol(path)
        with _translated(path):
            self.client.upload(value, path, create_only=mode == "create", **options)

    def put_file(
        self, lpath: str, rpath: str, callback: Any = DEFAULT_CALLBACK, mode: str = "overwrite", **options: Any
    ) -> None:
        """Store a file of this machine."""
        if Path(lpath).is_dir():
            return
        path = self._strip_protocol(rpath)
        with _translated(path):
            progress = _progress(callback)
            self.client.upload(lpath, path, create_only=mode == "create", progress=progress, **options)

    def get_file(self, rpath: str, lpath: Any, callback: Any = DEFAULT_CALLBACK, **_: Any) -> None:
        """Read a file into one of this machine."""
        path = self._strip_protocol(rpath)
        if hasattr(lpath, "write"):
            with _translated(path):
                self.client.download(path, lpath, progress=_progress(callback))
            return
        target = Path(lpath)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            if target.is_dir():
                raise IsADirectoryError(str(target))
            with _translated(path):
                self.client.download(path, target, progress=_progress(callback))
        except (FileNotFoundError, IsADirectoryError):  # which a folder may have caused
            if not self.isdir(path):
                raise
            target.mkdir(exist_ok=True)

    def cp_file(self, path1: str, path2: str, **_: Any) -> None:
        """Copy a file inside Object Storage."""
        source, target = self._strip_protocol(path1), self._strip_protocol(path2)
        with _translated(source):
            try:
                self.client.copy(source, target)
            except StoreError as error:
                if error.status != 404 or not self.isdir(source):
                    raise

    def rm_file(self, path: str) -> None:
        """Delete a file."""
        path = self._strip_protocol(path)
        with _translated(path):
            self.client.delete(path)

    def mkdir(self, path: str, create_parents: bool = True, **_: Any) -> None:
        """Do nothing: folders are but the beginnings of keys."""

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Do nothing, likewise."""

    def rmdir(self, path: str) -> None:
        """Do nothing, likewise."""

    def sign(self, path: str, expiration: int = 100, **options: Any) -> str:
        """A URL that reads a file for so many seconds, without a token."""
        path = self._strip_protocol(path)
        with _translated(path):
            return self.client.url(path, expires_in=expiration, **options).url

    def _open(self, path: str, mode: str = "rb", **options: Any) -> AbstractBufferedFile:
        path = self._strip_protocol(path)
        if mode == "rb":
            return ReadFile(self, path, **options)
        if mode not in ("wb", "xb"):
            raise NotImplementedError(f"Files are not opened with the mode {mode}.")
        if mode == "xb" and self.exists(path):
            raise FileExistsError(path)
        return WriteFile(self, path, mode, **options)


class ReadFile(AbstractBufferedFile):  # type: ignore[misc] # fsspec has no types
    """A file to read from: all of it is of one version of the object."""

    def __init__(self, fs: PresignFileSystem, path: str, **options: Any) -> None:
        self._reader = fs.client.reader(path)
        with _translated(path):
            size = self._reader.look(0, 1).size
        super().__init__(fs, path, "rb", **{**options, "size": size})

    def _fetch_range(self, start: int, end: int) -> bytes:
        with _translated(self.path):
            return self._reader.content(start, end)

    def close(self) -> None:
        """End reading."""
        self._reader.close()
        super().close()


class WriteFile(AbstractBufferedFile):  # type: ignore[misc] # fsspec has no types
    """A file to write to, which becomes an object when it is closed."""

    def _initiate_upload(self) -> None:
        self._copy = tempfile.TemporaryFile()  # noqa: SIM115 - `commit` and `discard` close it

    def _upload_chunk(self, final: bool = False) -> bool:
        self._copy.write(self.buffer.getvalue())
        if final and self.autocommit:
            self.commit()
        return True

    def commit(self) -> None:
        """Store what was written."""
        with self._copy, _translated(self.path):
            self._copy.seek(0)
            self.fs.client.upload(self._copy, self.path, create_only=self.mode == "xb", **self.kwargs)

    def discard(self) -> None:
        """Forget what was written."""
        self._copy.close()


@contextmanager
def _translated(path: str) -> Iterator[None]:
    """Errors that all file systems have are those of Python."""
    try:
        yield
    except PresignError as error:
        status = error.status if isinstance(error, (Problem, StoreError)) else 0
        kinds: dict[int, type[OSError]] = {404: FileNotFoundError, 412: FileExistsError}
        kind = PermissionError if status in _REFUSED else kinds.get(status)
        if kind and not (isinstance(error, Problem) and status == 404):
            raise kind(f"{path}: {error}") from None
        raise


def _info(entry: Entry) -> dict[str, Any]:
    if entry.is_prefix:
        return {"name": entry.key.rstrip("/"), "size": 0, "type": "directory"}
    return {
        "name": entry.key,
        "size": entry.size,
        "type": "file",
        "ETag": entry.etag,
        "LastModified": entry.modified_at,
    }


def _progress(callback: Any) -> Callable[[int, int], None]:
    def progress(done: int, total: int) -> None:
        callback.set_size(total)
        callback.absolute_update(done)

    return progress
