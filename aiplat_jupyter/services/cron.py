"""When a schedule is due: five fields of cron in a time zone, the only place that knows the library."""

from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from aiplat_jupyter.core.errors import InvalidInput

_EXAMPLE = "five fields: minute, hour, day, month, weekday; such as 30 2 * * 1-5"


def next_time(cron: str, timezone: str, after: float) -> float:
    """Return the first time behind `after` (Unix seconds) that `cron` names.

    As Debian's cron does it: a time that a change to summer time skips runs right behind the gap, one that the change
    back repeats runs once, and entries for every hour or minute go by elapsed time. Raise `InvalidInput`.
    """
    zone = _zone(timezone)
    if len(cron.split()) != 5:
        raise InvalidInput(f"{cron!r} is no schedule.", fields={"cron": _EXAMPLE})
    try:
        found = next(CronSim(cron, datetime.fromtimestamp(after, zone)))
    except (CronSimError, StopIteration) as error:
        raise InvalidInput(f"{cron!r} is no schedule: {error}.", fields={"cron": _EXAMPLE}) from None
    return found.astimezone(UTC).timestamp()


@cache
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidInput(
            f"There is no time zone {name!r}.", fields={"timezone": "a name such as Asia/Shanghai or UTC"}
        ) from None
