"""What a panel is about: experiments by uid, by query, or as selected in a list; and what is known of them."""

from collections.abc import Iterable
from typing import Any, Final

from msgspec import Struct

from aiplat_jupyter.client.api import Api
from aiplat_jupyter.core.errors import NotFound
from aiplat_jupyter.core.ids import is_uid
from aiplat_jupyter.core.queries import MAX_LIMIT, ExperimentQuery
from aiplat_jupyter.core.records import ExperimentRow
from aiplat_jupyter.core.states import LIVE

MOST: Final = MAX_LIMIT


class Target(Struct, frozen=True):
    """Experiments that are named, or a text that is a uid if there is such an experiment and else a query."""

    uids: tuple[str, ...] = ()
    text: str | None = None

    @property
    def names_one(self) -> bool:
        """Whether it is about one experiment and will not come to be about others."""
        return len(self.uids) == 1 or (self.text is not None and is_uid(self.text))


def target_of(value: Any) -> Target:
    """Return what `value` names: an experiment, a uid, a query, a DataFrame with ``uid``, or several of these.

    Raises
    ------
    TypeError
        If it is none of them.
    """
    if isinstance(value, str):
        return Target(text=value.strip())
    return Target(uids=tuple(dict.fromkeys(_uids(value))))


def _uids(value: Any) -> Iterable[str]:
    uid = getattr(value, "uid", None)
    if isinstance(uid, str):
        return [uid]
    if hasattr(value, "columns") and hasattr(value, "index"):
        return _column(value)
    if isinstance(value, str):
        return [value]
    if isinstance(value, Iterable) and not isinstance(value, (bytes, dict)):
        return [uid for each in value for uid in _uids(each)]
    raise TypeError(
        f"A curve is of an experiment, its uid, a query, a list of these or a DataFrame of experiments, not {value!r}."
    )


def _column(frame: Any) -> list[str]:
    if "uid" in frame.columns:
        return [str(uid) for uid in frame["uid"]]
    if frame.index.name == "uid":
        return [str(uid) for uid in frame.index]
    raise TypeError("The DataFrame has no column or index “uid”; aiplat_jupyter.experiments() makes one that has.")


class Roster:
    """The rows of the experiments that a target names, in its order.

    Attributes
    ----------
    rows : by uid.
    total : how many there are, of which `rows` are the first.
    """

    def __init__(self, target: Target, most: int = MOST) -> None:
        self._most = most
        self.rows: dict[str, ExperimentRow] = {}
        self.total = 0
        self._stale: set[str] | None = None
        self._query: str | None = None
        self.aim(target)

    def aim(self, target: Target) -> None:
        """Be about something else from the next refresh on."""
        self.target = target
        self.rows = {}
        self._query = None if target.text is None or is_uid(target.text) else target.text
        self._stale = None

    @property
    def uids(self) -> list[str]:
        """Which experiments, as far as is known."""
        return list(self.rows) or list(self.target.uids)

    @property
    def is_query(self) -> bool:
        """Whether further experiments may come to match."""
        return self._query is not None

    @property
    def is_live(self) -> bool:
        """Whether any of them still runs."""
        return any(row.status in LIVE for row in self.rows.values())

    @property
    def topics(self) -> frozenset[str]:
        """What the server shall tell about."""
        named = frozenset(f"experiment:{uid}" for uid in self.uids)
        return named | {"experiments"} if self.is_query or not self.rows else named

    def forget(self, uid: str | None = None) -> None:
        """Ask again at the next refresh: for one experiment, or for all."""
        if uid is None or self._stale is None or self.is_query:
            self._stale = None
        else:
            self._stale = {*self._stale, uid}

    def forget_live(self) -> None:
        """Ask again for what runs."""
        for uid, row in self.rows.items():
            if row.status in LIVE:
                self.forget(uid)

    def refresh(self, api: Api) -> None:
        """Ask for what was forgotten. Raise `NotFound` if none of the named experiments exists."""
        if self._stale == set():
            return
        stale, self._stale = self._stale, set()
        try:
            self._ask(api, stale)
        except Exception:
            self._stale = stale
            raise

    def _ask(self, api: Api, stale: set[str] | None) -> None:
        if self.target.text is not None and self._query is None and not self._ask_named(api, [self.target.text], None):
            self._query = self.target.text
        if self._query is not None:
            page = api.list_experiments(ExperimentQuery(q=self._query, limit=self._most, count=True))
            self.rows = {row.uid: row for row in page.items}
            self.total = page.total or len(self.rows)
        elif self.target.uids and not self._ask_named(api, list(self.target.uids[: self._most]), stale):
            raise NotFound(
                f"There is no experiment {', '.join(self.target.uids[:3])}.", hint="It may have been purged."
            )

    def _ask_named(self, api: Api, uids: list[str], stale: set[str] | None) -> bool:
        rows = {}
        for uid in uids:
            known = self.rows.get(uid)
            if stale is None or uid in stale or known is None:
                known = _find(api, uid)
            if known is not None:
                rows[uid] = known
        self.rows, self.total = rows, max(len(self.target.uids), len(rows))
        return bool(rows)


def _find(api: Api, uid: str) -> ExperimentRow | None:
    try:
        return api.experiment(uid)
    except NotFound:
        return None
