"""Lists of OCI's API, which come in pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def each(call: Callable[..., Any], *arguments: Any, **options: Any) -> Iterator[Any]:
    """Everything on all the pages of a list.

    The SDK's own helper repeats the attempts of each call eight times, which takes twelve minutes where there is no
    connection.
    """
    page: dict[str, str] = {}
    while True:
        answer = call(*arguments, **options, **page)
        yield from getattr(answer.data, "items", answer.data)
        if not answer.has_next_page:
            return
        page = {"page": answer.next_page}
