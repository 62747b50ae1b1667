"""Words and bars on a terminal, whatever it can show."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO, TextIO

from tqdm import tqdm

from presign_client.errors import PresignError, UnreadableFile, UnwritableFile, reason
from presign_client.meter import Progress

PROGRAM = "presign-client"


def prepare() -> None:
    """Let characters that the terminal's encoding lacks be written as escapes, instead of an exception."""
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - until the process ends
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def standard_output() -> TextIO:
    """The standard output, for a command whose purpose is to write there.

    Raises:
        UnwritableFile: it was closed before the process began.
    """
    if sys.stdout is None:
        raise UnwritableFile("The standard output is closed.")
    return sys.stdout


def standard_input() -> BinaryIO:
    """The bytes of the standard input.

    Raises:
        UnreadableFile: it was closed before the process began.
    """
    if sys.stdin is None:
        raise UnreadableFile("The standard input is closed.")
    return sys.stdin.buffer


def write(line: str) -> None:
    """Print a line as it is.

    Raises:
        UnwritableFile: it can't be written.
        BrokenPipeError: the reader of the output has seen enough.
    """
    with _writing():
        print(line)


def say(line: str) -> None:
    """Print a line. Control characters are written as escapes, since they could take a terminal over.

    It raises as `write` does.
    """
    write(printable(line))


def finish() -> None:
    """Write all that was printed. It raises as `write` does, and then nothing of it is left for the end of Python."""
    if sys.stdout is None:
        return
    try:
        with _writing():
            sys.stdout.flush()
    except (UnwritableFile, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise


def complain(line: str) -> None:
    """Print a line about the work itself, such as an error."""
    with suppress(OSError):
        print(printable(f"{PROGRAM}: {line}"), file=sys.stderr)


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UnwritableFile(f"The standard output can't be written: {reason(error)}.") from None


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
