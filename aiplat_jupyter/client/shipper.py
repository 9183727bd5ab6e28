"""The one thread of a process that brings its journals to a server."""

import threading
import time
from typing import Final

from aiplat_jupyter.client.bell import Bell
from aiplat_jupyter.client.complaints import say
from aiplat_jupyter.client.connection import Connection
from aiplat_jupyter.client.discover import Server, find_server
from aiplat_jupyter.client.journal import Journal
from aiplat_jupyter.client.shipment import Shipment
from aiplat_jupyter.core.errors import AiplatError, Forbidden, Gone, NotFound, Unauthenticated, Unavailable

TICK: Final = 0.2
"""Seconds between looks at the journals."""
SILENCE: Final = 5.0
"""Seconds after which an idle experiment gives a sign of life."""
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 30.0
LONGEST_PAUSE_HERE: Final = 5.0
"""On this machine it costs little to look whether a server has come."""
MOST_WAITING: Final = 64
"""Journals kept open that no server takes. Those beyond that have ended are left to `aiplat sync` and to servers."""

_OF_THE_SERVER: Final = (Unavailable, Unauthenticated, Forbidden, NotFound)


class Shipper:
    """Sends what is appended to journals, finds a restarted server again, and hears of requests to stop.

    Without a server it looks for one now and then; the journals keep everything meanwhile.
    """

    def __init__(self) -> None:
        self._shipments: dict[Shipment, Journal] = {}
        self._wake = Bell()
        self._thread: threading.Thread | None = None
        self._connection: Connection | None = None
        self._pause = 0.0
        self._retry_at = 0.0
        self._warned: set[str] = set()

    @property
    def server(self) -> Server | None:
        """The server that was last talked to."""
        return self._connection.server if self._connection else None

    @property
    def is_cut_off(self) -> bool:
        """Tell whether the last look for a server found none that answers."""
        return self._connection is None and self._pause > 0

    def add(self, shipment: Shipment, journal: Journal) -> None:
        """Ship from now on; once `shipment.ended` is set and done, `journal` is closed."""
        self._shipments[shipment] = journal
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="aiplat-shipper", daemon=True)
            self._thread.start()
        self._wake.ring()

    def hurry(self) -> None:
        """Look at the journals now, and at an absent server too."""
        self._retry_at = 0.0
        for shipment in list(self._shipments):
            shipment.retry_at = 0.0
        self._wake.ring()

    def _run(self) -> None:
        while True:
            self._wake.wait(self._patience())
            try:
                self._round()
            except Exception as error:  # the thread must outlive anything; the journals have the data
                say("aiplat: shipping failed and is tried again: %r", error)
                self._lose()
            self._release()

    def _patience(self) -> float | None:
        if not self._shipments:
            return None
        return max(TICK, min(self._retry_at - time.monotonic(), LONGEST_PAUSE))

    def _round(self) -> None:
        """Send a slice of each journal in turn, until nothing is left or the server is gone."""
        more = time.monotonic() >= self._retry_at
        while more:
            more = False
            for shipment in list(self._shipments):
                more |= self._send(shipment)

    def _send(self, shipment: Shipment) -> bool:
        """Send a slice if there is something to send; tell whether to go on at once."""
        now = time.monotonic()
        is_early = shipment.is_quiet or now - shipment.sent_at < SILENCE
        if shipment.abandoned or now < shipment.retry_at or (is_early and not shipment.left):
            return False
        try:
            connection = self._connect()
            if connection is None:
                return False
            more = shipment.send(connection)
        except AiplatError as error:
            self._handle(shipment, error)
            return False
        shipment.sent_at, shipment.pause, self._pause = now, 0.0, 0.0
        return more

    def _handle(self, shipment: Shipment, error: AiplatError) -> None:
        if isinstance(error, _OF_THE_SERVER) or error.status >= 500:
            self._warn_once(f"{error.detail} Points are kept in the journal until the server takes them.")
            if isinstance(error, _OF_THE_SERVER):
                self._lose()
            else:
                self._put_off(shipment)
            return
        shipment.abandoned = True
        shipment.stop = isinstance(error, Gone)
        shipment.complaints.note("shipping", error)

    def _put_off(self, shipment: Shipment) -> None:
        """Try again after a pause: the server failed at this journal, and may take the others."""
        shipment.pause = min(shipment.pause * 2 or FIRST_PAUSE, LONGEST_PAUSE)
        shipment.retry_at = time.monotonic() + shipment.pause

    def _connect(self) -> Connection | None:
        if self._connection is None and time.monotonic() >= self._retry_at:
            server = find_server()
            if server is None:
                self._warn_once("No Jupyter server was found. Points are kept; `aiplat sync` sends them later.")
                self._lose()
            else:
                self._connection = Connection(server)
        return self._connection

    def _lose(self) -> None:
        """Forget the server, and look for one after a pause: it may come back elsewhere, with another token."""
        is_remote = self._connection is not None and not self._connection.server.pid
        if self._connection:
            self._connection.close()
        self._connection = None
        self._pause = min(self._pause * 2 or FIRST_PAUSE, LONGEST_PAUSE if is_remote else LONGEST_PAUSE_HERE)
        self._retry_at = time.monotonic() + self._pause

    def _release(self) -> None:
        """Close what has ended and arrived; nobody waits for what cannot arrive now, but some of it is kept open."""
        ended = [(shipment, journal) for shipment, journal in list(self._shipments.items()) if shipment.ended]
        for shipment, journal in ended:
            is_stuck = not self._connection or shipment.pause > 0
            if not shipment.left or (is_stuck and len(self._shipments) > MOST_WAITING):
                journal.close()
                self._shipments.pop(shipment, None)
            if shipment not in self._shipments or is_stuck:
                shipment.done.set()

    def _warn_once(self, message: str) -> None:
        if message not in self._warned:
            self._warned.add(message)
            say("aiplat: %s", message)
