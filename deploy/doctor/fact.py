"""Values that are looked up once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from deploy.doctor.step import Skipped

T = TypeVar("T")


class Facts:
    """An object that looks each of its values up once.

    Attributes:
        found: the values that are known by now, by their names.
        asked: for each value that was asked for, why those who ask again are skipped.
    """

    def __init__(self) -> None:
        self.found: dict[str, Any] = {}
        self.asked: dict[str, str] = {}

    def once(self, name: str, look: Callable[[], T]) -> T:
        """A value that is looked up once. A failure comes to the step that asks first; later ones are `Skipped`.

        So one missing permission is told once, and what hangs is waited for once.
        """
        if name in self.found:
            value: T = self.found[name]
            return value
        if name in self.asked:
            raise Skipped(self.asked[name])
        told = name if " " in name else f"the {name.replace('_', ' ')}"
        self.asked[name] = f"Not checked, as {told} could not be read."
        try:
            value = look()
        except Skipped as exc:
            self.asked[name] = str(exc)
            raise
        self.found[name] = value
        return value


class fact(Generic[T]):  # noqa: N801 - a decorator
    """Makes a method of `Facts` a value that is looked up once."""

    def __init__(self, look: Callable[[Any], T]) -> None:
        self._look = look
        self.__doc__ = look.__doc__

    def __get__(self, owner: Facts, kind: object) -> T:
        return owner.once(self._look.__name__, lambda: self._look(owner))
