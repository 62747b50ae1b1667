"""Values that are looked up once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar, overload

from deploy.doctor.step import Unknown

T = TypeVar("T")


class HasFacts(Protocol):
    """An object with facts.

    Attributes:
        asked: for each fact that was asked for, why it is unknown to those who ask again.
    """

    asked: dict[str, str]


class fact(Generic[T]):  # noqa: N801 - a decorator
    """A value that is looked up once. A failure comes to the step that asks first, and is `Unknown` to later ones.

    So one missing permission is told once, and what hangs is waited for once.
    """

    def __init__(self, look: Callable[[Any], T]) -> None:
        self._look = look
        self._name = look.__name__
        self.__doc__ = look.__doc__

    @overload
    def __get__(self, owner: None, kind: object) -> fact[T]: ...
    @overload
    def __get__(self, owner: HasFacts, kind: object) -> T: ...
    def __get__(self, owner: HasFacts | None, kind: object) -> fact[T] | T:
        if owner is None:
            return self
        if self._name in owner.asked:
            raise Unknown(owner.asked[self._name])
        owner.asked[self._name] = f"An earlier step could not tell: {self._name.replace('_', ' ')}."
        try:
            value = self._look(owner)
        except Unknown as exc:
            owner.asked[self._name] = str(exc)
            raise
        # From now on it is found before this descriptor is asked.
        owner.__dict__[self._name] = value
        return value
