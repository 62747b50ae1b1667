"""The function's log, and the output of its commands."""

import io
import logging
import sys
import traceback

_TALKATIVE = ("boto3", "botocore", "fdk", "oci", "requests", "s3transfer", "urllib3")
"""Loggers that write requests with their signatures and tokens when they are allowed to write all."""


def set_level(level: str) -> None:
    """Let the root logger write what is of `level` or above.

    The FDK sets it to DEBUG, and botocore then writes the signature of every URL. Loggers that do such things are held
    at WARNING, whatever the level is.
    """
    logging.getLogger().setLevel(level)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))


def where_raised(exc: BaseException) -> str:
    """The type of an exception and the places it came through, on one line.

    Its message is left out: nobody knows what may stand in it.
    """
    places = reversed(traceback.extract_tb(exc.__traceback__))
    told = " < ".join(f"{place.filename}:{place.lineno} in {place.name}" for place in places)
    return f"{type(exc).__name__} at {told}"


def escape_on_stdout() -> None:
    """Let standard output write letters that its encoding lacks as escapes, as standard error does."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
