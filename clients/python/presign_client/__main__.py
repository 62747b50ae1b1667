"""The command: `python -m presign_client put photo.jpg users/alice/photo.jpg`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from presign_client import Client, FolderError, Function, Gateway, InvalidArgument, NoToken, Presigner, Problem, Retry
from presign_client.arguments import parser
from presign_client.errors import PresignError, reason
from presign_client.folders import FolderDone
from presign_client.state import state_path
from presign_client.terminal import (
    PROGRAM,
    bar,
    complain,
    finish,
    prepare,
    printable,
    quoted,
    say,
    standard_input,
    standard_output,
    tell_pause,
    write,
)

STANDARD = "-"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit status."""
    prepare()
    try:
        try:
            status = _run(parser().parse_args(arguments))
        finally:
            finish()
    except PresignError as error:
        complain(str(error))
        return 1
    except BrokenPipeError:  # the reader of the output has seen enough
        return 1
    except KeyboardInterrupt:
        complain("interrupted; the same put or get goes on where it was.")
        return 130
    return status


def _run(options: argparse.Namespace) -> int:
    client = Client(_presigner(options), bucket=options.bucket, via=options.via, retry=Retry(on_pause=tell_pause))
    try:
        _COMMANDS[options.command](client, options)
    except FolderError as error:
        for name, failure in error.failures.items():
            complain(f"{name}: {failure}")
        return 1
    return 0


def _presigner(options: argparse.Namespace) -> Presigner:
    function = os.environ.get("PRESIGN_FUNCTION_OCID")
    if function and not options.endpoint:
        return Function.from_config(function, endpoint=os.environ.get("PRESIGN_INVOKE_ENDPOINT", ""))
    if not options.endpoint:
        raise InvalidArgument("set PRESIGN_ENDPOINT, or give --endpoint")
    return Gateway(options.endpoint, _token(options.token_file))


def _token(path: Path | None) -> str | Callable[[], str]:
    if path:
        return lambda: _token_in(path)
    token = os.environ.get("PRESIGN_TOKEN")
    if not token:
        raise NoToken("set PRESIGN_TOKEN, or give --token-file")
    return token


def _token_in(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise NoToken(f"The file of --token-file can't be read: {reason(error)}.") from None
    except ValueError:
        raise NoToken("The file of --token-file is not text.") from None


def _get(client: Client, options: argparse.Namespace) -> None:
    name = options.key.rstrip("/").rpartition("/")[2]
    if options.recursive:
        folder = Path(options.file or name or ".")
        with bar(str(folder)) as progress:
            _say_folder(client.download_folder(options.key, folder, progress=progress, state=_states(options)))
        return
    if options.file == STANDARD:
        with bar(name) as progress:
            client.download(options.key, standard_output().buffer, progress=progress)
        return
    path = Path(options.file or name)
    path = path / name if _is_folder(path) else path
    with bar(path.name) as progress:
        done = client.download(options.key, path, progress=progress, state=_state(options, path))
    say(f"{done.path}: {done.size} bytes, SHA-256 {done.sha256}{' (verified)' if done.verified else ''}")


def _put(client: Client, options: argparse.Namespace) -> None:
    if options.recursive:
        with bar(options.file) as progress:
            _say_folder(client.upload_folder(options.file, options.key, progress=progress, state=_states(options)))
        return
    is_standard = options.file == STANDARD
    key = options.key
    if key.endswith("/"):
        if is_standard:
            raise InvalidArgument("The standard input has no name: end the key with one.")
        key += Path(options.file).name
    content = standard_input() if is_standard else Path(options.file)
    with bar(options.file) as progress:
        done = client.upload(
            content,
            key,
            content_type=options.content_type,
            progress=progress,
            state=None if is_standard else _state(options, Path(options.file)),
        )
    say(f"{done.key}: {done.size} bytes, SHA-256 {done.sha256}")


def _ls(client: Client, options: argparse.Namespace) -> None:
    standard_output()
    try:
        for entry in client.list(options.prefix, delimiter=None if options.recursive else "/"):
            if options.json:
                write(json.dumps(asdict(entry)))
            else:
                say(f"{'' if entry.is_prefix else entry.size:>14}  {entry.modified_at:<24}  {entry.key}")
    except Problem as problem:
        if problem.code == "access_denied" and not options.prefix:
            complain("The policy may allow a folder only: name it, such as ls users/alice/")
        raise


def _cp(client: Client, options: argparse.Namespace) -> None:
    client.copy(options.source_key, options.key, source_bucket=options.source_bucket)


def _rm(client: Client, options: argparse.Namespace) -> None:
    client.delete(options.key)


def _share(client: Client, options: argparse.Namespace) -> None:
    standard_output()
    url = client.url(options.key, expires_in=options.expires_in, download_as=options.download_as)
    write(url.url)
    print(printable(f"valid until {url.expires_at}"), file=sys.stderr)
    if url.id:
        named = f"--bucket {quoted(url.bucket)} -- {quoted(url.id)}"  # the id may begin with a hyphen
        print(printable(f"to take it back: {PROGRAM} revoke {named}"), file=sys.stderr)


def _revoke(client: Client, options: argparse.Namespace) -> None:
    client.revoke(options.id)


_COMMANDS: dict[str, Callable[[Client, argparse.Namespace], None]] = {
    "get": _get,
    "put": _put,
    "ls": _ls,
    "cp": _cp,
    "rm": _rm,
    "share": _share,
    "revoke": _revoke,
}


def _say_folder(done: FolderDone) -> None:
    say(f"{len(done.transferred)} files, {done.size} bytes; {done.unchanged} were there already")


def _state(options: argparse.Namespace, path: Path) -> Path | None:
    """The file that remembers a transfer between this file and this key, None if there can't be one."""
    folder = _home()
    try:
        named = (options.endpoint, options.bucket, options.via, options.command, options.key, path.absolute())
    except OSError:  # the working folder was deleted
        return None
    return state_path(folder, *named) if folder else None


def _states(options: argparse.Namespace) -> Path | None:
    """The folder that remembers the transfers of whole folders by this API, None if there can't be one."""
    folder = _home()
    return state_path(folder, options.endpoint, options.bucket, options.via).with_suffix("") if folder else None


def _home() -> Path | None:
    try:
        named = os.environ.get("XDG_STATE_HOME")
        folder = (Path(named) if named else Path.home() / ".local" / "state") / PROGRAM
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except (OSError, RuntimeError):
        return None
    return folder if os.access(folder, os.W_OK) else None


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # which the download will meet again
        return False


if __name__ == "__main__":
    sys.exit(main())
