"""One journal on its way to a server: bytes from the committed offset on, sent as they are."""

import os
import threading
from typing import Final

import msgspec

from aiplat_jupyter.client.answers import MSGPACK, to_error
from aiplat_jupyter.client.complaints import Complaints
from aiplat_jupyter.client.connection import Connection
from aiplat_jupyter.core.errors import OffsetConflict, TooLarge
from aiplat_jupyter.core.frames import HEAD, MAX_PAYLOAD, Committed

SLICE: Final = 1024 * 1024
SMALLEST_SLICE: Final = 64 * 1024

_committed: Final = msgspec.msgpack.Decoder(Committed)


class Shipment:
    """How far a journal has come.

    Attributes
    ----------
    fd : the journal file, read by ``pread``.
    offset : what the server is known to have committed.
    stop : somebody asked the experiment to stop.
    ended : nothing more will be appended.
    abandoned : the server will never take the rest.
    is_quiet : no sign of life is expected of it; another journal of the process gives some.
    pause, retry_at : how long the server that failed at it is left alone, and until when (`time.monotonic`).
    done : set when nothing is left to wait for: all is committed, abandoned, or no server takes it now.
    """

    def __init__(self, uid: str, fd: int, complaints: Complaints, offset: int = 0) -> None:
        self.uid = uid
        self.fd = fd
        self.complaints = complaints
        self.offset = offset
        self.stop = False
        self.ended = False
        self.abandoned = False
        self.is_quiet = False
        self.done = threading.Event()
        self.sent_at = 0.0
        self.pause = self.retry_at = 0.0
        self._slice = SLICE

    @property
    def left(self) -> int:
        """Bytes that are not committed."""
        return 0 if self.abandoned else max(0, os.fstat(self.fd).st_size - self.offset)

    def send(self, connection: Connection) -> bool:
        """Send the next slice (if nothing is left: a sign of life) and tell whether there was more than that.

        What is logged meanwhile does not count: small requests without a pause would cost training more than it logs.
        A journal is never decoded here: a thread that did would hold the interpreter's lock and stall `log()`.
        Raises what the server answered, save a conflict of offsets, which says where to go on.
        """
        data = os.pread(self.fd, self._slice, self.offset)
        before = self.offset
        try:
            answer = self._post(connection, data)
        except OffsetConflict as conflict:
            self.offset = conflict.offset
            return self.offset != before
        except TooLarge:
            if self._slice <= SMALLEST_SLICE:
                raise
            self._slice //= 2
            return True
        self.offset, self.stop = answer.offset, answer.stop
        return len(data) == self._slice and (self.offset != before or self._widen())

    def _post(self, connection: Connection, data: bytes) -> Committed:
        path = f"journals/{self.uid}/frames?offset={self.offset}"
        headers = {"Content_Type": "application/octet-stream", "Accept": MSGPACK}
        status, body, _ = connection.request("POST", path, data, **headers)
        if status != 200:
            raise to_error(status, body)
        return _committed.decode(body)

    def _widen(self) -> bool:
        """Make room for a frame that is larger than the slice; False when no frame can be."""
        if self._slice >= MAX_PAYLOAD + HEAD.size:
            return False
        self._slice *= 2
        return True
