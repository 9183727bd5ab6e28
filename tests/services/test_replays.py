import time

import pytest

from aiplat_jupyter.core.errors import Conflict
from aiplat_jupyter.services.replays import Answer
from tests.services.house import House
from tests.services.people import ADA, BOB


def test_the_first_answer_is_given_again(house: House):
    assert house.replays.begin(ADA, "k", "request") is None
    with pytest.raises(Conflict, match="worked on"):
        house.replays.begin(ADA, "k", "request")
    house.replays.end(ADA, "k", Answer(201, b"made"))
    assert house.replays.begin(ADA, "k", "request") == Answer(201, b"made")
    with pytest.raises(Conflict, match="another request"):
        house.replays.begin(ADA, "k", "different")
    assert house.replays.begin(BOB, "k", "different") is None


def test_a_failed_request_may_be_repeated(house: House):
    house.replays.begin(ADA, "k", "request")
    house.replays.end(ADA, "k", None)
    assert house.replays.begin(ADA, "k", "other") is None


def test_keys_are_forgotten(house: House, monkeypatch: pytest.MonkeyPatch):
    now = time.time()
    house.replays.begin(ADA, "abandoned", "request")
    house.replays.begin(ADA, "answered", "request")
    house.replays.end(ADA, "answered", Answer(200, b""))
    monkeypatch.setattr(time, "time", lambda: now + 61)
    assert house.replays.begin(ADA, "abandoned", "request") is None
    assert house.replays.begin(ADA, "answered", "request") == Answer(200, b"")
    monkeypatch.setattr(time, "time", lambda: now + 86_500)
    assert house.replays.begin(ADA, "answered", "other") is None
