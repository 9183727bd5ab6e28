"""Where the logs of attempts are, and which of them are written now or were finished long ago."""

from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Select, select

from aiplat_jupyter.core.states import TASK_LIVE, TaskState
from aiplat_jupyter.store.agents import TAKING
from aiplat_jupyter.store.tables import AgentRow, ProjectRow, TaskAttemptRow, TaskRow


class Place(NamedTuple):
    """An attempt, and where it writes. `directory` is empty until it starts."""

    id: int
    uid: str
    number: int
    state: TaskState
    directory: str
    task_id: int
    task: str
    name: str
    project: str
    machine: str
    account: str
    noted: dict[str, Any]
    """What was counted in its log: lines, size, lines of each level."""

    @property
    def folder(self) -> Path | None:
        """Its folder; None until there is one."""
        return Path(self.directory) if self.directory else None

    @property
    def has_ended(self) -> bool:
        """Whether nothing more is written."""
        return self.state not in TASK_LIVE


_COLUMNS: Final = (
    TaskAttemptRow.id,
    TaskAttemptRow.uid,
    TaskAttemptRow.number,
    TaskAttemptRow.state,
    TaskAttemptRow.directory,
    TaskAttemptRow.task_id,
    TaskRow.uid,
    TaskRow.name,
    ProjectRow.uid,
    AgentRow.machine,
    AgentRow.username,
    TaskAttemptRow.log,
)


def place(tx: Connection, task_id: int, attempt: str = "") -> Place | None:
    """Return an attempt of a task, the newest if none is named."""
    asked = _asked().where(TaskAttemptRow.task_id == task_id).order_by(TaskAttemptRow.number.desc()).limit(1)
    row = tx.execute(asked.where(TaskAttemptRow.uid == attempt) if attempt else asked).first()
    return None if row is None else Place._make(row)


def written_now(tx: Connection, ended_after: float) -> list[Place]:
    """Return the attempts that have started and not ended, or only after `ended_after`, on every machine."""
    started = _asked().where(TaskAttemptRow.directory != "")
    live = started.where(TaskAttemptRow.state.in_(TAKING))
    fresh = TaskRow.lifecycle == "active", TaskRow.updated_at > ended_after
    ended = started.where(*fresh, TaskAttemptRow.ended_at > ended_after)
    return [Place._make(row) for asked in (live, ended) for row in tx.execute(asked)]


def ended_before(tx: Connection, at: float, machine: str, after: int, limit: int) -> list[Place]:
    """Return attempts of a machine that ended before `at`, in the order of their rows from behind `after` on."""
    old = TaskAttemptRow.ended_at < at, AgentRow.machine == machine, TaskAttemptRow.directory != ""
    asked = _asked().where(*old, TaskAttemptRow.id > after).order_by(TaskAttemptRow.id).limit(limit)
    return [Place._make(row) for row in tx.execute(asked)]


def _asked() -> Select[*tuple[Any, ...]]:
    joined = select(*_COLUMNS).join_from(TaskAttemptRow, TaskRow, TaskRow.id == TaskAttemptRow.task_id)
    return joined.join(ProjectRow, ProjectRow.id == TaskRow.project_id).join(AgentRow, AgentRow.id == TaskRow.agent_id)
