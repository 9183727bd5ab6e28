"""A cell of a notebook, as far as an experiment that it begins needs to know."""

from typing import NamedTuple


class Cell(NamedTuple):
    """A notebook cell in execution: its id (None where the front end sends none), source, and which execution it is."""

    id: str | None
    source: str
    execution: str

    def runs_again(self, earlier: "Cell") -> bool:
        """Tell whether this is a later execution of the same cell."""
        if self.execution == earlier.execution:
            return False
        return self.id == earlier.id if self.id and earlier.id else self.source == earlier.source
