"""What a process remembers of a database's points: bounded, least recently used first out."""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import Engine

LIMIT: Final = 512 * 1024 * 1024
"""Bytes that one database's memory may hold."""


class Memory:
    """Values by key, each with its size in bytes; safe to use from several threads.

    Keys must name something that never changes, such as the numbers of rows that are written once.
    """

    _of_engine: WeakKeyDictionary[Engine, "Memory"] = WeakKeyDictionary()
    _lock_of_engines = Lock()

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._size = 0
        self._values: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._lock = Lock()

    @classmethod
    def of(cls, engine: Engine) -> "Memory":
        """Return the memory that all readers of `engine` share."""
        with cls._lock_of_engines:
            return cls._of_engine.setdefault(engine, cls())

    def get(self, key: Hashable) -> Any:
        """Return the value of `key`, or None."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key][0]

    def put(self, key: Hashable, value: Any, size: int) -> None:
        """Remember `value`, which holds about `size` bytes, and forget what was used longest ago if need be."""
        if size > self._limit:
            return
        with self._lock:
            self._size += size - self._values.pop(key, (None, 0))[1]
            self._values[key] = value, size
            while self._size > self._limit:
                self._size -= self._values.popitem(last=False)[1][1]
