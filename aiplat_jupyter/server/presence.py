"""The file by which clients on this machine find the server and the token that it minted for them."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec

from aiplat_jupyter.core.errors import NotFound
from aiplat_jupyter.core.records import Identity, NewToken
from aiplat_jupyter.server.call import Services


class ServerFile(msgspec.Struct, frozen=True, kw_only=True):
    """What ``servers/{pid}.json`` holds. Only its owner may read it.

    Attributes
    ----------
    url : the Jupyter server's, with its base path.
    public_url : the same where people open it, as behind a proxy; empty: at `url`, as far as is known.
    token, token_uid : an aiplat token for the local account.
    """

    url: str
    token: str
    token_uid: str
    pid: int
    machine: str
    database: str
    public_url: str = ""


@contextlib.asynccontextmanager
async def announced(at: Services, local: Identity, url: str, public_url: str, folder: Path) -> AsyncIterator[Path]:
    """Mint a token and tell clients of the server, until the block ends. Yields the file's path."""
    for gone in await asyncio.to_thread(lambda: list(_left_behind(folder))):
        await _revoke(at, local, gone.token_uid)
    name = f"server {os.getpid()} on {at.info.machine}"
    minted = await at.tokens.mint(local, NewToken(name=name, scopes=["read", "write", "admin"]))
    path = folder / f"{os.getpid()}.json"
    entry = ServerFile(
        url=url,
        token=minted.secret,
        token_uid=minted.token.uid,
        pid=os.getpid(),
        machine=at.info.machine,
        database=at.info.database,
        public_url=public_url,
    )
    await asyncio.to_thread(_write, path, entry)
    try:
        yield path
    finally:
        await asyncio.to_thread(path.unlink, missing_ok=True)
        await _revoke(at, local, minted.token.uid)


async def _revoke(at: Services, local: Identity, uid: str) -> None:
    with contextlib.suppress(NotFound):
        await at.tokens.revoke(local, uid)


def _write(path: Path, entry: ServerFile) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)
        file.write(msgspec.json.encode(entry))
    fresh.replace(path)


def _left_behind(folder: Path) -> Iterator[ServerFile]:
    """Remove, and yield, the entries of this machine's servers that are gone."""
    for path in folder.glob("*.json"):
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            entry = msgspec.json.decode(path.read_bytes(), type=ServerFile)
            if entry.machine == socket.gethostname() and not _lives(entry.pid):
                path.unlink(missing_ok=True)
                yield entry


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
