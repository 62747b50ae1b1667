"""The arguments of the command."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from presign_client import __version__
from presign_client.terminal import PROGRAM

_EPILOG = """\
environment:
  PRESIGN_ENDPOINT       URL of the API, such as https://<gateway>/presigner/v1/presign
  PRESIGN_TOKEN          the token, unless --token-file names a file that holds it
  PRESIGN_BUCKET         the bucket, unless --bucket names it
  PRESIGN_FUNCTION_OCID  invokes this function with the OCI CLI's configuration instead, at
                         PRESIGN_INVOKE_ENDPOINT; no token is needed then
"""


class _Command(argparse.ArgumentParser):
    """The parser of a command. Options may stand between its other arguments, and those of the program among them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._is_inside = False
        # Without defaults, which would take the place of what stood before the command.
        _add_common(self.add_argument_group("options of all commands"), default=argparse.SUPPRESS)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse by `parse_known_intermixed_args`, which calls this function again, and loses a `--`."""
        if self._is_inside or "--" in (args or ()):
            return super().parse_known_args(args, namespace)
        self._is_inside = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._is_inside = False


def parser() -> argparse.ArgumentParser:
    """The parser; what it finds has the command's name as `command`."""
    made = argparse.ArgumentParser(prog=PROGRAM, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    _add_common(made)
    made.set_defaults(endpoint=os.environ.get("PRESIGN_ENDPOINT"), bucket=os.environ.get("PRESIGN_BUCKET"))
    commands = made.add_subparsers(required=True, metavar="command", dest="command", parser_class=_Command)

    get = commands.add_parser("get", help="download an object; after an interruption the same command goes on")
    get.add_argument("key")
    get.add_argument("file", nargs="?", help="by default the last part of the key; - is the standard output")
    get.add_argument("-r", "--recursive", action="store_true", help="all objects below a prefix, into a folder")

    put = commands.add_parser("put", help="upload a file; after an interruption the same command goes on")
    put.add_argument("file", help="- is the standard input")
    put.add_argument("key", help="if it ends with a slash, the file's name is added")
    put.add_argument("-r", "--recursive", action="store_true", help="all files of a folder that differ")
    put.add_argument("--content-type", help="media type; by default that of the file's name")

    ls = commands.add_parser("ls", help="list objects")
    ls.add_argument("prefix", nargs="?", default="")
    ls.add_argument("--recursive", action="store_true", help="the objects below sub-folders too")
    ls.add_argument("--json", action="store_true", help="a line of JSON for each")

    cp = commands.add_parser("cp", help="copy an object inside Object Storage")
    cp.add_argument("source_key")
    cp.add_argument("key")
    cp.add_argument("--source-bucket")

    rm = commands.add_parser("rm", help="delete an object")
    rm.add_argument("key")

    share = commands.add_parser("share", help="print a URL that downloads an object")
    share.add_argument("key")
    share.add_argument("--expires-in", type=int, metavar="SECONDS", help="how long it is valid")
    share.add_argument("--download-as", metavar="NAME", help="the file name that a browser saves under")

    revoke = commands.add_parser("revoke", help="take back a URL that share has printed with an id")
    revoke.add_argument("id")
    return made


def _add_common(target: Any, **how: Any) -> None:
    """Add the options that may stand before and behind the command."""
    target.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}", **how)
    target.add_argument("--endpoint", help="URL of the API", **how)
    target.add_argument(
        "--token-file", type=Path, help="file that holds the token; it is read before each request", **how
    )
    target.add_argument("--bucket", help="by default the function's own", **how)
    target.add_argument("--via", choices=("s3", "par"), help="presigned URLs or pre-authenticated requests", **how)
