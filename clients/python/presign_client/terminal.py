"""Words and bars on a terminal, whatever it can show."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

from presign_client.errors import PresignError
from presign_client.meter import Progress

PROGRAM = "presign-client"


def prepare() -> None:
    """Let characters that the terminal's encoding lacks be written as escapes, instead of an exception."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def say(line: str) -> None:
    """Print a line. Control characters are written as escapes, since they could take a terminal over."""
    print(printable(line))


def complain(line: str) -> None:
    """Print a line about the work itself, such as an error."""
    print(printable(f"{PROGRAM}: {line}"), file=sys.stderr)


def tell_pause(error: PresignError, seconds: float) -> None:
    """Say why nothing happens."""
    complain(f"{error} Trying again in {seconds:.0f} s." if seconds >= 1 else f"{error} Trying again.")


def printable(text: str) -> str:
    """A text with escapes in the place of control characters."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def quoted(text: str) -> str:
    """A text as one word of a shell's command."""
    return "'{}'".format(text.replace("'", "'\"'\"'"))


@contextmanager
def bar(name: str) -> Iterator[Progress]:
    """A progress bar, on a terminal only."""
    with tqdm(desc=printable(name), unit="B", unit_scale=True, unit_divisor=1024, disable=None, leave=False) as shown:

        def progress(done: int, total: int) -> None:
            shown.total = total
            shown.update(done - shown.n)

        yield progress
