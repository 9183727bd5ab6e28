"""When a schedule is due, also on the days on which clocks change."""

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from aiplat_jupyter.core.errors import InvalidInput
from aiplat_jupyter.services.cron import next_time

BERLIN = "Europe/Berlin"


def at(text: str, zone: str = "UTC", fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


@pytest.mark.parametrize(
    ("cron", "zone", "after", "then"),
    [
        ("30 2 * * *", "UTC", "2026-11-22T02:29:59", "2026-11-22T02:30:00"),
        ("30 2 * * *", "UTC", "2026-11-22T02:30:00", "2026-11-23T02:30:00"),
        ("0 9 * * 1-5", "Asia/Shanghai", "2026-11-20T09:00:00", "2026-11-23T09:00:00"),
        ("*/15 * * * *", "Asia/Kathmandu", "2026-11-22T10:50:00", "2026-11-22T11:00:00"),
        ("0 0 29 2 *", "UTC", "2026-11-22T00:00:00", "2028-02-29T00:00:00"),
        ("0 0 L * *", "UTC", "2026-02-01T00:00:00", "2026-02-28T00:00:00"),
        # 2026-03-29: 02:00 becomes 03:00, so 02:30 does not exist
        ("30 2 * * *", BERLIN, "2026-03-28T03:00:00", "2026-03-29T03:00:00"),
        ("0 * * * *", BERLIN, "2026-03-29T01:00:00", "2026-03-29T03:00:00"),
    ],
)
def test_the_next_time(cron: str, zone: str, after: str, then: str) -> None:
    assert next_time(cron, zone, at(after, zone)) == at(then, zone)


def test_a_time_that_comes_twice_counts_once() -> None:
    first = next_time("30 2 * * *", BERLIN, at("2026-10-24T12:00", BERLIN))
    following = next_time("30 2 * * *", BERLIN, first)
    assert (first, following) == (at("2026-10-25T02:30", BERLIN), at("2026-10-26T02:30", BERLIN))


def test_every_hour_goes_by_elapsed_time() -> None:
    times = [at("2026-10-25T01:30", BERLIN)]
    for _ in range(4):
        times.append(next_time("0 * * * *", BERLIN, times[-1]))
    assert [round(b - a) for a, b in pairwise(times[1:])] == [3600, 3600, 3600]


@pytest.mark.parametrize(
    "cron", ["", "* * * *", "61 * * * *", "@daily", "* * * * * *", "a b c d e", "0 0 * * 9", "0 0 31 2 *"]
)
def test_what_is_no_cron_is_named(cron: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        next_time(cron, "UTC", 0.0)
    assert "cron" in caught.value.fields


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "UTC\0"])
def test_what_is_no_time_zone_is_named(zone: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        next_time("0 0 * * *", zone, 0.0)
    assert "timezone" in caught.value.fields
