"""Facts: values that are looked up when they are first needed, and only once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from deploy.doctor.finding import Skipped

T = TypeVar("T")


class Facts:
    """An object that looks each of its facts up once.

    Attributes:
        known: the facts that have been looked up by now, by their names.
    """

    def __init__(self) -> None:
        self.known: dict[str, Any] = {}
        self._failures: dict[str, str] = {}

    def once(self, name: str, look: Callable[[], T]) -> T:
        """The fact with this name, which `look` gives. If that fails, later calls raise `Skipped`.

        So one missing permission is reported by one step, and a service that does not answer is waited for once.
        """
        if name in self.known:
            value: T = self.known[name]
            return value
        if name in self._failures:
            raise Skipped(self._failures[name])
        # It stays here if `look` fails, or never ends.
        self._failures[name] = f"Not checked, as {name} could not be read."
        try:
            value = look()
        except Skipped as exc:
            self._failures[name] = str(exc)
            raise
        self.known[name] = value
        return value


class Fact(Generic[T]):
    """A property that is looked up once; made by `fact`."""

    def __init__(self, name: str, look: Callable[[Any], T]) -> None:
        self._name = name
        self._look = look
        self.__doc__ = look.__doc__

    def __get__(self, owner: Facts, kind: object) -> T:
        return owner.once(self._name, lambda: self._look(owner))


def fact(name: str) -> Callable[[Callable[[Any], T]], Fact[T]]:
    """Make a method of `Facts` a property that is looked up once; `name` stands for it in sentences."""
    return lambda look: Fact(name, look)
