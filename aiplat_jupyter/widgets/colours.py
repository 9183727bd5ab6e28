"""An experiment's colour, the same in every door, and how curves of one hue are told apart.

Palette and index are those of ``labextension/src/colour.ts``: each hue has a contrast of at least 3:1 on light and on
dark panels.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

PALETTE: Final = ("#186cdd", "#e47604", "#1ba76b", "#d23eb0", "#8b6a3b", "#3896e7", "#a2943e", "#898989")
GREY: Final = "#898989"
DASHES: Final = ("solid", "dashed", "dotted", "dash_dotted")
MAX_COLOURED: Final = 16


class Style(Struct, frozen=True):
    """How a curve is drawn: CSS colour, bqplot's name of the dash, and whether it stands out from grey ones."""

    colour: str
    dash: str = "solid"
    stands_out: bool = True


def colour_index(uid: str) -> int:
    """Return the place of the experiment `uid` in the palette: the sum of its character codes, modulo eight."""
    return sum(map(ord, uid)) % len(PALETTE)


def hues(uids: Iterable[str]) -> dict[str, int]:
    """Return the places in the palette of experiments that share a chart.

    One whose colour another has already takes the next free one, so up to eight of them differ.
    """
    found: dict[str, int] = {}
    taken: set[int] = set()
    for uid in dict.fromkeys(uids):
        own = colour_index(uid)
        places = [(own + step) % len(PALETTE) for step in range(len(PALETTE))]
        found[uid] = next((place for place in places if place not in taken), own)
        taken.add(found[uid])
    return found


def styles(curves: list[tuple[str, str]], kept: frozenset[int]) -> list[Style]:
    """Return a style for each (experiment, metric).

    An experiment keeps its hue; where it stands alone, its further metrics take the hues that follow. Where a hue
    repeats, dashes tell the curves apart. Beyond sixteen curves all are grey but those whose places are in `kept`.
    """
    own = hues(experiment for experiment, _ in curves)
    alone = len(own) == 1
    used: Counter[int] = Counter()
    chosen = []
    for place, (experiment, _) in enumerate(curves):
        hue = (own[experiment] + (place if alone else 0)) % len(PALETTE)
        if len(curves) > MAX_COLOURED:
            stands_out = place in kept
            chosen.append(Style(PALETTE[hue] if stands_out else GREY, "solid", stands_out))
            continue
        chosen.append(Style(PALETTE[hue], DASHES[used[hue] % len(DASHES)]))
        used[hue] += 1
    return chosen
