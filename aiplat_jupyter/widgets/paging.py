"""A panel that shows a list: what is looked at, as the browser asks for it, and turning its pages."""

import threading
from typing import Any, ClassVar, Final

from msgspec import Struct
from msgspec.structs import replace

from aiplat_jupyter.core.errors import AiplatError
from aiplat_jupyter.core.records import Change, Page
from aiplat_jupyter.widgets.bar import Bar
from aiplat_jupyter.widgets.feed import Feed
from aiplat_jupyter.widgets.listview import ListView
from aiplat_jupyter.widgets.messages import Message
from aiplat_jupyter.widgets.panel import Panel
from aiplat_jupyter.widgets.rows import Row, pager_row
from aiplat_jupyter.widgets.status import failing

PAGE: Final = 25


class View(Struct, frozen=True):
    """What is looked at: search, order, open rows, and per section the cursors of the pages up to the shown one."""

    q: str = ""
    sort: str = ""
    open: tuple[str, ...] = ()
    pages: dict[str, tuple[str, ...]] = {}

    def place(self, section: str) -> tuple[str | None, int]:
        """Return the cursor of a section's shown page, and how many pages are before it."""
        cursors = self.pages.get(section, ())
        return (cursors[-1] if cursors else None), len(cursors)


class ListPanel(Panel):
    """A list with a search field, orders and pages. The first of the `sorts` is the order it begins with."""

    sorts: ClassVar[tuple[str, ...]] = ()

    def __init__(self, q: str, view: ListView, key: str, source: Feed | None) -> None:
        self._view = View(q=q, sort=self.sorts[0])
        self._fields = threading.Lock()
        self._next: dict[str, str] = {}
        self.list = view
        self.bar = Bar([], {})
        super().__init__([self.list, self.bar], key, source=source)
        self.talk(self.list, self._on_message)

    # What the browser sends: sets plain fields only

    def _on_message(self, message: Message) -> None:
        match message:
            case {"kind": "search", "q": q}:
                self._look(q=str(q), pages={})
            case {"kind": "sort", "sort": sort} if sort in self.sorts:
                self._look(sort=sort, pages={})
            case {"kind": "page", "section": section, "way": way}:
                self._turn(section, way)

    def _look(self, **what: Any) -> None:
        with self._fields:
            self._view = replace(self._view, **what)

    def _turn(self, section: str, way: int) -> None:
        cursors = self._view.pages.get(section, ())
        if way < 0:
            cursors = cursors[:-1]
        elif section in self._next:
            cursors = (*cursors, self._next[section])
        self._look(pages={**self._view.pages, section: cursors})

    # For the feed

    def peek(self) -> None:
        """Note nothing: each update asks for all that is shown."""

    def changed(self, _change: Change | None) -> bool:
        """Refresh on any change while someone looks."""
        return self.is_watched

    def show_failure(self, error: AiplatError) -> None:
        """Keep the rows and say since when they stand; without rows say what is wrong."""
        if not self.list.rows:
            text = f"{error.detail} {error.hint}".strip()
            self.list.notice = {"kind": "error", "key": "list_failed", "text": text}
        self.bar.status = failing(error, self.fresh_at if self.list.rows else None)

    def _pager(self, section: str, page: Page[Any], view: View) -> list[Row]:
        """Return the row that turns a section's pages, if there are several; note where the next one begins."""
        self._next.pop(section, None)
        if page.next_cursor is not None:
            self._next[section] = page.next_cursor
        row = pager_row(section, view.place(section)[1], PAGE, page)
        return [row] if row else []
