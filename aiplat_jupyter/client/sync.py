"""Sending journals from files: of processes that have ended, or live on, here or copied from another machine."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from aiplat_jupyter.client.api import Api
from aiplat_jupyter.client.complaints import Complaints
from aiplat_jupyter.client.connection import Connection
from aiplat_jupyter.client.journals import read_opened
from aiplat_jupyter.client.shipment import Shipment
from aiplat_jupyter.core.errors import AiplatError, Gone, InvalidInput, NotFound, UnreadableJournal
from aiplat_jupyter.core.frames import Opened
from aiplat_jupyter.core.records import Journal


class Outcome(NamedTuple):
    """What became of a journal: how many bytes were sent, and why the rest was not."""

    path: Path
    opened: Opened | None
    state: Literal["sent", "had", "purged", "refused"]
    sent: int = 0
    why: str = ""


def journals_in(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the journals among files and in folders. Raise `InvalidInput` for a path that does not exist."""
    for path in paths:
        if path.is_dir():
            yield from sorted(path.rglob("*.journal"))
        elif path.is_file():
            yield path
        else:
            raise InvalidInput(f"There is no file or folder {path}.")


def sync(path: Path, api: Api, tell: Callable[[int, int], None]) -> Outcome:
    """Send what the server has not got of a journal; `tell` hears (committed, size) after each slice.

    May race with the process itself, with adoption, and with another sync. Raise `Unavailable` when the server goes.
    """
    opened = read_opened(path)
    if opened is None:
        return Outcome(path, None, "refused", why="It is not a journal, or its beginning is missing.")
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    connection = Connection(api.server)
    try:
        before = committed(api, opened.journal)
        shipment = Shipment(opened.journal, fd, Complaints(opened.name), before)
        while shipment.left and shipment.send(connection):
            tell(shipment.offset, os.fstat(fd).st_size)
        return Outcome(path, opened, "sent" if shipment.offset > before else "had", shipment.offset - before)
    except Gone as error:
        return Outcome(path, opened, "purged", why=error.detail)
    except (UnreadableJournal, InvalidInput) as error:
        return Outcome(path, opened, "refused", why=error.detail)
    finally:
        connection.close()
        os.close(fd)


def committed(api: Api, journal: str) -> int:
    """Return how many bytes of a journal the server has. Raise `Gone` if its experiment was purged."""
    try:
        return api.get(f"journals/{journal}", Journal).offset
    except NotFound:
        return 0


def pending(folder: Path, api: Api | None) -> tuple[int, int]:
    """Return how many journals are in the folder, and how many of their bytes the server has not got."""
    paths = list(folder.glob("*.journal"))
    left = 0
    if api is None:
        return len(paths), left
    for path in paths:
        try:
            left += max(0, path.stat().st_size - committed(api, path.stem))
        except (AiplatError, OSError):
            continue
    return len(paths), left
