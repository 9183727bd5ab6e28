"""Faults that NVIDIA's driver reports (XIDs): they are told once, to whoever waits for them."""

import ctypes
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

import pynvml

WAIT_MS: Final = 1_000
PAUSE: Final = 10.0
"""Seconds after an error of the driver."""


class XidWatch:
    """Waits for faults on a thread of its own; without the right or the means to, there are simply none."""

    def __init__(self, gpus: Sequence[tuple[Any, str]]) -> None:
        self.newest: dict[str, tuple[int, float]] = {}
        """UUID → number of the newest fault, and when it was reported."""
        try:
            events = pynvml.nvmlEventSetCreate()
        except (pynvml.NVMLError, AttributeError):
            return
        names = {_address(handle): uuid for handle, uuid in gpus if _register(handle, events)}
        if names:
            threading.Thread(target=self._watch, args=(events, names), name="xid", daemon=True).start()

    def _watch(self, events: Any, names: dict[int | None, str]) -> None:
        while True:
            try:
                event = pynvml.nvmlEventSetWait_v2(events, WAIT_MS)
            except pynvml.NVMLError_Timeout:
                continue
            except pynvml.NVMLError:
                time.sleep(PAUSE)
                continue
            if uuid := names.get(_address(event.device)):
                self.newest[uuid] = int(event.eventData), time.time()


def _register(handle: Any, events: Any) -> bool:
    try:
        pynvml.nvmlDeviceRegisterEvents(handle, pynvml.nvmlEventTypeXidCriticalError, events)
    except pynvml.NVMLError:
        return False
    return True


def _address(handle: Any) -> int | None:
    return ctypes.cast(handle, ctypes.c_void_p).value
