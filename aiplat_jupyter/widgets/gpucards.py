"""A card for each GPU and one for the machine: what they do now, and for whom."""

from typing import Any

import anywidget
import traitlets as t

from aiplat_jupyter.widgets import scripts, words


class GpuCards(anywidget.AnyWidget):
    """The cards. The kernel writes their traits; the browser only shows them."""

    _esm = scripts.module("page", "gpu")
    _css = scripts.style("page", "gpu")

    head = t.Dict(help="In `words`: what is shown, and what is wrong with it; level, and the driver's own words.").tag(
        sync=True
    )
    cards: t.List[Any] = t.List(help="Per GPU, and last of the machine: readings, holder and processes.").tag(sync=True)
    words = t.Dict(help="The strings that the browser shows.").tag(sync=True)

    def __init__(self) -> None:
        super().__init__(words=words.for_browser())
