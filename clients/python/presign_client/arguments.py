"""The arguments of the command."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

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


def parser() -> argparse.ArgumentParser:
    """The parser; what it finds has the command's name as `command`."""
    made = argparse.ArgumentParser(prog=PROGRAM, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    made.add_argument("--endpoint", default=os.environ.get("PRESIGN_ENDPOINT"), help="URL of the API")
    made.add_argument("--token-file", type=Path, help="file that holds the token; it is read before each request")
    made.add_argument("--bucket", default=os.environ.get("PRESIGN_BUCKET"), help="by default the function's own")
    made.add_argument("--via", choices=("s3", "par"), help="signed URLs or pre-authenticated requests")
    commands = made.add_subparsers(required=True, metavar="command", dest="command")

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
