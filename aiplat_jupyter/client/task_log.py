"""The log of a task, read from the server: as it is, or as it grows."""

import codecs
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

import msgspec

from aiplat_jupyter.client.answers import to_error
from aiplat_jupyter.client.api import Api, encode_query
from aiplat_jupyter.client.connection import Connection
from aiplat_jupyter.client.events import events
from aiplat_jupyter.core.errors import Unavailable
from aiplat_jupyter.core.logs import LogChunk, LogEnd, LogGap

if TYPE_CHECKING:
    from http.client import HTTPResponse

SILENCE: Final = 60.0
"""Seconds without a byte (the server sends heartbeats) after which the connection is given up."""
_KINDS: Final[dict[bytes, Any]] = {b"log": LogChunk, b"gap": LogGap, b"end": LogEnd}
_PIECE: Final = 65536


def download(api: Api, path: str, attempt: str, offset: int = 0) -> Iterator[bytes]:
    """Yield an attempt's log as it is now from byte `offset` on, in pieces. Raise `Unavailable` if that breaks off."""
    from http.client import HTTPException

    query = encode_query({"attempt": attempt, "offset": offset})
    response, connection = _open(api, f"{path}/logs/download{query}")
    try:
        while piece := response.read(_PIECE):
            yield piece
    except (OSError, HTTPException) as error:
        raise Unavailable(f"The log broke off: {error}") from error
    finally:
        connection.close()


def decoded(pieces: Iterable[bytes]) -> Iterator[str]:
    """Yield the text of bytes that come in pieces."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    for piece in pieces:
        yield decoder.decode(piece)
    yield decoder.decode(b"", final=True)


def follow(api: Api, path: str, attempt: str, offset: int) -> Iterator[LogChunk | LogGap | LogEnd]:
    """Yield what an attempt writes from byte `offset` on, and last `LogEnd`. Raise `Unavailable` if that breaks off."""
    from http.client import HTTPException

    query = encode_query({"attempt": attempt, "offset": offset})
    response, connection = _open(api, f"{path}/logs/stream{query}")
    try:
        for fields in events(iter(response.readline, b"")):
            if kind := _KINDS.get(fields.get(b"event", b"")):
                news = msgspec.json.decode(fields[b"data"], type=kind)
                yield news
                if isinstance(news, LogEnd):
                    return
    except (OSError, HTTPException) as error:
        raise Unavailable(f"The log broke off: {error}") from error
    finally:
        connection.close()
    raise Unavailable("The server ended the log.")


def behind(news: LogChunk | LogGap | LogEnd) -> int:
    """Return the offset to go on from."""
    match news:
        case LogChunk():
            return news.next
        case LogGap():
            return news.to
        case LogEnd():
            return news.size


def lines(pieces: Iterable[str | None]) -> Iterator[str]:
    """Yield the lines of texts that come in pieces, without their ends; None ends a text, and so its last line."""
    rest = ""
    for piece in pieces:
        if piece is None:
            piece = "\n" if rest else ""
        *whole, rest = (rest + piece).split("\n")
        yield from whole
    if rest:
        yield rest


def _open(api: Api, path: str) -> tuple["HTTPResponse", Connection]:
    connection = Connection(api.server, SILENCE)
    response = connection.open("GET", path)
    if response.status != 200:
        body = response.read()
        connection.close()
        raise to_error(response.status, body)
    return response, connection
