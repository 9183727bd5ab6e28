"""The query language of `core.queries.ExperimentQuery`, as conditions on rows of experiments."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Float, SQLColumnExpression, Text, case, cast, func, literal, or_, select

from aiplat_jupyter.core.errors import InvalidInput
from aiplat_jupyter.core.frames import MAX_KEY
from aiplat_jupyter.core.queries import ExperimentQuery
from aiplat_jupyter.core.states import EXPERIMENT
from aiplat_jupyter.store.tables import ConfigValueRow, ExperimentRow, ProjectRow, SeriesRow

MAX_TEXT: Final = 500
"""How many characters of a config entry are kept to compare with."""
_MAX_Q: Final = 2_000
_MAX_TERMS: Final = 30
_MAX_VALUES: Final = 100
_STRING: Final = r'"(?:[^"\\]|\\.)*"'
_TERM: Final = re.compile(
    rf'\s*(?:(?P<field>(?:{_STRING}|[^\s"<>=!:])+)(?P<op><=|>=|!=|[<>=:])(?P<value>{_STRING}|[^\s"]*)|(?P<word>{_STRING}|[^\s"]+))'
)
_TIMES: Final = {
    "created": ExperimentRow.created_at,
    "updated": ExperimentRow.updated_at,
    "started": ExperimentRow.started_at,
    "ended": ExperimentRow.ended_at,
}
_COMPARE: Final[dict[str, Callable[[Any, Any], ColumnElement[bool]]]] = {
    "<": lambda column, value: column < value,
    "<=": lambda column, value: column <= value,
    ">": lambda column, value: column > value,
    ">=": lambda column, value: column >= value,
    "=": lambda column, value: column == value,
    ":": lambda column, value: column == value,
    "!=": lambda column, value: column != value,
}
_FIELDS: Final = (
    "config.<key>, summary.<key>, metric.<name>, status, tag, owner, project, created, updated, started, ended"
)


class Term(NamedTuple):
    """One condition ``field op value``, or a bare word (then `field` is empty); `column` counts from 1."""

    column: int
    field: str
    op: str
    value: str
    quoted: bool

    def wrong(self, detail: str, fix: str) -> InvalidInput:
        """Return the error that points at this term."""
        return InvalidInput(f"Column {self.column} of the search: {detail}", hint=fix, fields={"q": fix})


def parse(q: str) -> Iterator[Term]:
    """Yield the terms of `q`. Raise `InvalidInput` that names the column of the mistake and the fix."""
    if len(q) > _MAX_Q:
        raise InvalidInput("The search is too long.", fields={"q": f"at most {_MAX_Q} characters"})
    at, text = 0, q.rstrip()
    while at < len(text):
        found = _TERM.match(text, at)
        if found is None:
            raise Term(text.index('"', at) + 1, "", "", "", False).wrong(
                "a quotation mark is not closed.", 'Close it with ".'
            )
        at = found.end()
        raw = found["word"] or found["value"] or ""
        column = found.start("word" if found["word"] else "field") + 1
        yield Term(column, found["field"] or "", found["op"] or "", _unquoted(raw), raw.startswith('"'))


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text


def conditions(query: ExperimentQuery, dialect: str) -> list[ColumnElement[bool]]:
    """Return what the rows that `query` asks for fulfil: its filters and `q`, not its page."""
    lists = {name: getattr(query, name) for name in ("project", "status", "tag", "owner", "metrics")}
    if long := {name: f"at most {_MAX_VALUES}" for name, values in lists.items() if len(values) > _MAX_VALUES}:
        raise InvalidInput("The list is asked for too much at once.", fields=long)
    found = [*_exact(query, dialect), *_trash(query)]
    terms = list(parse(query.q))
    if len(terms) > _MAX_TERMS:
        raise terms[_MAX_TERMS].wrong("there are too many conditions.", f"At most {_MAX_TERMS} conditions and words.")
    return found + [_condition(term, dialect) for term in terms]


def _exact(query: ExperimentQuery, dialect: str) -> Iterator[ColumnElement[bool]]:
    if query.project:
        yield ProjectRow.uid.in_(query.project)
    if query.status:
        yield ExperimentRow.status.in_(query.status)
    if query.owner:
        yield ExperimentRow.owner.in_(query.owner)
    if query.tag:
        yield or_(*(_has_tag(tag, dialect) for tag in query.tag))
    if query.created_after is not None:
        yield ExperimentRow.created_at >= query.created_after
    if query.created_before is not None:
        yield ExperimentRow.created_at < query.created_before


def _trash(query: ExperimentQuery) -> Iterator[ColumnElement[bool]]:
    """Leave out what lies in projects that are put away, unless such a project is asked for by name."""
    yield ExperimentRow.lifecycle == query.lifecycle
    if not query.project:
        yield ProjectRow.status == "active" if query.lifecycle == "active" else ProjectRow.status != "trashed"


def _has_tag(tag: str, dialect: str) -> ColumnElement[bool]:
    position = func.strpos if dialect == "postgresql" else func.instr
    found: ColumnElement[bool] = position(cast(ExperimentRow.tags, Text), msgspec.json.encode(tag).decode()) > 0
    return found


def _condition(term: Term, dialect: str) -> ColumnElement[bool]:
    kind, _, rest = term.field.partition(".")
    name = _unquoted(rest) if rest.startswith('"') and rest.endswith('"') else rest
    if not term.field:
        return _word(term.value)
    if kind == "metric" and rest:
        return _metric(term, rest)
    if kind == "config" and rest:
        return _config(term, name)
    if kind == "summary" and rest:
        return _summary(term, name, dialect)
    if term.field in _TIMES:
        return _COMPARE[term.op](_TIMES[term.field], _moment(term))
    return _label(term, dialect)


def _word(word: str) -> ColumnElement[bool]:
    columns = ExperimentRow.name, cast(ExperimentRow.tags, Text), ExperimentRow.notes
    return or_(ExperimentRow.uid == word, *(column.icontains(word, autoescape=True) for column in columns))


def _label(term: Term, dialect: str) -> ColumnElement[bool]:
    if term.op not in ("=", ":", "!="):
        raise term.wrong(f"{term.field!r} cannot be compared by {term.op}.", f"Write {term.field}:value.")
    if term.field == "status" and term.value not in EXPERIMENT:
        raise term.wrong(f"there is no status {term.value!r}.", f"One of {', '.join(EXPERIMENT)}.")
    labels = {
        "status": ExperimentRow.status == term.value,
        "owner": ExperimentRow.owner == term.value,
        "project": ProjectRow.name == term.value,
        "tag": _has_tag(term.value, dialect),
    }
    if term.field not in labels:
        raise term.wrong(f"there is no field {term.field!r}.", f'One of {_FIELDS}; or put the word in "quotes".')
    return ~labels[term.field] if term.op == "!=" else labels[term.field]


def _moment(term: Term) -> float:
    try:
        return float(term.value)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(term.value)
    except ValueError:
        raise term.wrong(
            f"{term.value!r} is no time.", f"Write {term.field}>2026-01-31, or seconds since 1970."
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _number(term: Term) -> float:
    try:
        return float(term.value)
    except ValueError:
        raise term.wrong(f"{term.value!r} is no number.", f"Write {term.field}{term.op}0.1, for example.") from None


def _is_number(term: Term) -> bool:
    try:
        float(term.value)
    except ValueError:
        return False
    return not term.quoted


def _compared(term: Term, number: SQLColumnExpression[Any], text: SQLColumnExpression[Any]) -> ColumnElement[bool]:
    """Compare as a number where the term has one (or an order asks for one), else as text."""
    if term.op in ("<", "<=", ">", ">=") or _is_number(term):
        return _COMPARE[term.op](number, _number(term))
    return _COMPARE[term.op](text, term.value[:MAX_TEXT])


def _config(term: Term, key: str) -> ColumnElement[bool]:
    entry = select(literal(1)).where(
        ConfigValueRow.experiment_id == ExperimentRow.id,
        ConfigValueRow.key == key,
        _compared(term, ConfigValueRow.number, ConfigValueRow.text),
    )
    return entry.exists()


def _summary(term: Term, key: str, dialect: str) -> ColumnElement[bool]:
    value = ExperimentRow.summary[key]
    kind = (func.json_typeof if dialect == "postgresql" else func.json_type)(value)
    text = value.as_string()
    number = case((kind.in_(["number", "integer", "real"]), cast(text, Float(53))), else_=None)
    return _compared(term, number, text)


def statistic(field: str) -> tuple[str, str]:
    """Return the metric and the column of its series that ``<name>[.min|.max|.last]`` means."""
    name, dot, last = field.rpartition(".")
    if not dot or last not in ("min", "max", "last"):
        name, last = field, "last"
    return (_unquoted(name) if name.endswith('"') else name), last


def _metric(term: Term, field: str) -> ColumnElement[bool]:
    name, column = statistic(field)
    series = select(literal(1)).where(
        SeriesRow.attempt_id == ExperimentRow.attempt_id,
        SeriesRow.metric == name,
        SeriesRow.context == "",
        _COMPARE[term.op](getattr(SeriesRow, column), _number(term)),
    )
    return series.exists()


def flattened(config: dict[str, Any], limit: int = 2_000) -> dict[str, tuple[float | None, str]]:
    """Return number and text of a nested config's entries (the first `limit`), by dotted key."""
    found: dict[str, tuple[float | None, str]] = {}
    stack: list[tuple[str, Any]] = [("", config)]
    while stack and len(found) < limit:
        key, value = stack.pop()
        if isinstance(value, dict):
            stack.extend((f"{key}.{name}" if key else str(name), inner) for name, inner in reversed(value.items()))
        elif len(key) <= MAX_KEY and "\x00" not in key:
            found[key] = _searchable(value)
    return found


def _searchable(value: Any) -> tuple[float | None, str]:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    return (number if number is None or abs(number) < float("inf") else None), text.replace("\x00", "")[:MAX_TEXT]
