"""Guessing credentials is slowed down; who has a good one is not held up."""

import pytest

from aiplat_jupyter.core.errors import RateLimited
from aiplat_jupyter.server.throttle import Guesses


def guess(guesses: Guesses, times: int, address: str = "10.0.0.1") -> None:
    for number in range(times):
        guesses.check(address, f"wrong {number}")
        guesses.refused(address)


def test_too_many_guesses_are_refused_and_told_when_to_come_back() -> None:
    guesses = Guesses(limit=3)
    guess(guesses, 3)
    with pytest.raises(RateLimited) as caught:
        guesses.check("10.0.0.1", "wrong again")
    assert 0 < caught.value.retry_after <= 60


def test_other_addresses_and_known_credentials_go_on() -> None:
    guesses = Guesses(limit=3)
    guesses.accepted("good")
    guess(guesses, 3)
    guesses.check("10.0.0.1", "good")
    guesses.check("10.0.0.2", "wrong")


def test_the_limit_ends() -> None:
    guesses = Guesses(limit=2, period=0.0)
    guess(guesses, 5)
    guesses.check("10.0.0.1", "wrong")


def test_memory_is_bounded() -> None:
    guesses = Guesses(limit=2, remembered=10)
    for number in range(50):
        guesses.refused(f"10.0.0.{number}")
        guesses.accepted(f"good {number}")
    assert len(guesses._refused) == len(guesses._known) == 10
