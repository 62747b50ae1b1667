"""State that a transfer leaves behind, so that a later call goes on from there."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import threading
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from presign_client import checks
from presign_client.errors import UnwritableFile, reason

Kept = MutableMapping[str, Any] | str | os.PathLike[str] | None
"""A mapping of the caller's own, the path of a JSON file, or None if nothing is kept."""


class State:
    """The state of a transfer.

    Args:
        kept: where it is.
        identity: of the transfer. The state of another one is forgotten, as is one that can't be read.

    Attributes:
        is_kept: whether a later call finds it.

    Raises:
        InvalidArgument: it can be kept neither in a file nor in a mapping.
    """

    def __init__(self, kept: Kept, *, identity: Mapping[str, Any]) -> None:
        self._path = None if kept is None or isinstance(kept, MutableMapping) else checks.path(kept, "state")
        self._values: MutableMapping[str, Any] = kept if isinstance(kept, MutableMapping) else self._read()
        self.is_kept = kept is not None
        self._identity = identity
        self._lock = threading.Lock()
        if self._values.get("of") != identity:
            self._values.clear()

    def get(self, name: str, default: Any = None) -> Any:
        """A value."""
        return self._values.get(name, default)

    def numbered(self, name: str) -> dict[int, Any]:
        """The entries of a mapping by their numbers; none if it is no such mapping."""
        found = self._values.get(name)
        entries = found.items() if isinstance(found, Mapping) else ()
        return {int(number): value for number, value in entries if str(number).isdecimal()}

    def set(self, **values: Any) -> None:
        """Remember these values too.

        Raises:
            UnwritableFile: the state's file can't be written.
        """
        with self._lock:
            self._values.update(values, of=dict(self._identity))
            self._save()

    def add(self, key: object, **values: Any) -> None:
        """Remember one more entry in each mapping of these names. It raises as `set` does."""
        with self._lock:
            for name, value in values.items():
                known = self._values.get(name)
                self._values[name] = {**(known if isinstance(known, Mapping) else {}), str(key): value}
            self._save()

    def forget(self) -> None:
        """Remember nothing more."""
        with self._lock:
            self._values.clear()
            if self._path:
                with suppress(OSError, ValueError):  # one that stays is known to be over by the next call
                    self._path.unlink()

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(self._path.read_text("utf-8")) if self._path else {}
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def _save(self) -> None:
        if not self._path:
            return
        # For this user alone: with a pre-authenticated request the upload's id is a URL. And a name of its own, since
        # the same transfer may run twice.
        new = self._path.parent / f".{secrets.token_hex(8)}.new"
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            try:
                with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123
                    json.dump(dict(self._values), file)
                new.replace(self._path)
            except BaseException:
                new.unlink(missing_ok=True)
                raise
        except (OSError, ValueError) as error:
            raise UnwritableFile(f"The state of the transfer can't be written: {reason(error)}.") from None


def state_path(folder: Path, *named: object) -> Path:
    """The file in a folder of states that belongs to the transfer with these names."""
    digest = hashlib.sha256("\0".join(str(name) for name in named).encode(errors="surrogatepass")).hexdigest()
    return folder / f"{digest[:32]}.json"
