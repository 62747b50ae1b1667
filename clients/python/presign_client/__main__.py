"""The command: `python -m presign_client put photo.jpg users/alice/photo.jpg`."""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

from presign_client import Client, Function, Gateway, Presigner, PresignError
from presign_client.source import Progress

_EPILOG = """\
environment:
  PRESIGN_ENDPOINT       URL of the API, such as https://<gateway>/presigner/v1/presign
  PRESIGN_TOKEN          the token, unless --token-file names a file that holds it
  PRESIGN_BUCKET         the bucket, unless --bucket names it
  PRESIGN_FUNCTION_OCID  invokes this function with the OCI CLI's configuration instead, at
                         PRESIGN_INVOKE_ENDPOINT; no token is needed then
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit status."""
    options = _parser().parse_args(arguments)
    try:
        client = Client(_presigner(options), bucket=options.bucket, via=options.via)
        run: Callable[[Client, argparse.Namespace], None] = options.run
        run(client, options)
    except (PresignError, ValueError, OSError) as error:
        print(f"presign-client: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("presign-client: interrupted; the same put goes on where it was.", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="presign-client", epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--endpoint", default=os.environ.get("PRESIGN_ENDPOINT"), help="URL of the API")
    parser.add_argument("--token-file", type=Path, help="file that holds the token; it is read before each request")
    parser.add_argument("--bucket", default=os.environ.get("PRESIGN_BUCKET"), help="by default the function's own")
    parser.add_argument("--via", choices=("s3", "par"), help="signed URLs or pre-authenticated requests")
    commands = parser.add_subparsers(required=True, metavar="command")

    get = commands.add_parser("get", help="download an object")
    get.add_argument("key")
    get.add_argument("file", type=Path, nargs="?", help="by default the last part of the key")
    get.set_defaults(run=_get)

    put = commands.add_parser("put", help="upload a file; after an interruption the same command goes on")
    put.add_argument("file", type=Path)
    put.add_argument("key")
    put.add_argument("--content-type", help="media type; by default that of the file's name")
    put.set_defaults(run=_put)

    ls = commands.add_parser("ls", help="list objects")
    ls.add_argument("prefix", nargs="?", default="")
    ls.add_argument("--recursive", action="store_true", help="the objects below sub-folders too")
    ls.set_defaults(run=_ls)

    cp = commands.add_parser("cp", help="copy an object inside Object Storage")
    cp.add_argument("source_key")
    cp.add_argument("key")
    cp.add_argument("--source-bucket")
    cp.set_defaults(run=_cp)

    rm = commands.add_parser("rm", help="delete an object")
    rm.add_argument("key")
    rm.set_defaults(run=_rm)

    share = commands.add_parser("share", help="print a URL that downloads an object")
    share.add_argument("key")
    share.add_argument("--expires-in", type=int, metavar="SECONDS", help="how long it is valid")
    share.add_argument("--download-as", metavar="NAME", help="the file name that a browser saves under")
    share.set_defaults(run=_share)

    revoke = commands.add_parser("revoke", help="take back a URL that share has printed with an id")
    revoke.add_argument("id")
    revoke.set_defaults(run=_revoke)
    return parser


def _presigner(options: argparse.Namespace) -> Presigner:
    function = os.environ.get("PRESIGN_FUNCTION_OCID")
    if function and not options.endpoint:
        return Function.from_config(function, endpoint=os.environ.get("PRESIGN_INVOKE_ENDPOINT", ""))
    if not options.endpoint:
        raise ValueError("set PRESIGN_ENDPOINT, or give --endpoint")
    return Gateway(options.endpoint, _token(options.token_file))


def _token(path: Path | None) -> str | Callable[[], str]:
    if path:
        return lambda: path.read_text("utf-8").strip()
    token = os.environ.get("PRESIGN_TOKEN")
    if not token:
        raise ValueError("set PRESIGN_TOKEN, or give --token-file")
    return token


def _get(client: Client, options: argparse.Namespace) -> None:
    path = options.file or Path(options.key.rstrip("/").rpartition("/")[2])
    if path.is_dir():
        path /= options.key.rstrip("/").rpartition("/")[2]
    with _bar(path.name) as progress:
        done = client.download(options.key, path, progress=progress)
    print(f"{done.path}: {done.size} bytes, SHA-256 {done.sha256}{' (verified)' if done.verified else ''}")


def _put(client: Client, options: argparse.Namespace) -> None:
    state = _state_path(options)
    with _bar(options.file.name) as progress:
        done = client.upload(
            options.file, options.key, content_type=options.content_type, progress=progress, state=state
        )
    print(f"{done.key}: {done.size} bytes, SHA-256 {done.sha256}")


def _ls(client: Client, options: argparse.Namespace) -> None:
    for entry in client.list(options.prefix, delimiter=None if options.recursive else "/"):
        print(f"{'' if entry.is_prefix else entry.size:>14}  {entry.modified_at:<24}  {entry.key}")


def _cp(client: Client, options: argparse.Namespace) -> None:
    client.copy(options.source_key, options.key, source_bucket=options.source_bucket)


def _rm(client: Client, options: argparse.Namespace) -> None:
    client.delete(options.key)


def _share(client: Client, options: argparse.Namespace) -> None:
    url = client.url(options.key, expires_in=options.expires_in, download_as=options.download_as)
    print(url.url)
    print(f"valid until {url.expires_at}", file=sys.stderr)
    if url.id:
        print(f"to take it back: presign-client --bucket '{url.bucket}' revoke '{url.id}'", file=sys.stderr)


def _revoke(client: Client, options: argparse.Namespace) -> None:
    client.revoke(options.id)


@contextmanager
def _bar(name: str) -> Iterator[Progress]:
    """A progress bar, on a terminal only."""
    with tqdm(desc=name, unit="B", unit_scale=True, unit_divisor=1024, disable=None, leave=False) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield progress


def _state_path(options: argparse.Namespace) -> Path:
    """The file that remembers an upload of this file to this key."""
    named = [options.endpoint, options.bucket, options.via, options.key, str(options.file.resolve())]
    digest = hashlib.sha256("\0".join(str(part) for part in named).encode()).hexdigest()
    home = os.environ.get("XDG_STATE_HOME")
    folder = (Path(home) if home else Path.home() / ".local" / "state") / "presign-client"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder / f"{digest[:32]}.json"


if __name__ == "__main__":
    sys.exit(main())
