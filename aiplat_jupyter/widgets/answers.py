"""What a server answered to one question about curves after the other, kept current by deltas."""

import msgspec

from aiplat_jupyter.client.api import Api
from aiplat_jupyter.core.curves import CurveQuery
from aiplat_jupyter.core.errors import AiplatError, InvalidInput
from aiplat_jupyter.widgets.series import Series, merged


class Answers:
    """The curves that were answered last, by their keys."""

    def __init__(self) -> None:
        self.series: dict[str, Series] = {}
        self._asked: CurveQuery | None = None
        self._cursor: str | None = None

    def ask(self, api: Api, query: CurveQuery, *, is_due: bool) -> None:
        """Ask for what has changed if that `is_due`, or for everything if `query` is another one than before."""
        again = query == self._asked and self._cursor is not None
        if again and not is_due:
            return
        try:
            answer = api.curves(msgspec.structs.replace(query, cursor=self._cursor if again else None))
        except AiplatError as error:
            self._asked = None
            if again and isinstance(error, InvalidInput):  # the cursor may be too old for the server
                self.ask(api, query, is_due=True)
                return
            raise
        self.series = merged(self.series, answer.curves, delta=again)
        self._asked, self._cursor = query, answer.cursor

    def forget(self) -> None:
        """Know nothing."""
        self.series, self._asked = {}, None
