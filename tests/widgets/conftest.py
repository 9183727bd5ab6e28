"""Panels over a world in memory, each test with a feed and threads of its own."""

import time
from collections.abc import Callable, Iterator

import pytest

from aiplat_jupyter.widgets.feed import Feed
from aiplat_jupyter.widgets.panel import open_panels
from tests.widgets.world import World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def source(world: World) -> Iterator[Feed]:
    made = Feed(world.open)
    yield made
    for panel in open_panels():
        panel.close()
    made.stop()


def eventually(told: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait until `told` is true; fail with what it said last."""
    deadline = time.monotonic() + seconds
    while not (last := told()):
        assert time.monotonic() < deadline, f"still {last!r}"
        time.sleep(0.02)


def send(widget: object, **message: object) -> None:
    """Deliver a message as a browser's comm does."""
    widget._handle_msg({"content": {"data": {"method": "custom", "content": message}}, "buffers": []})
