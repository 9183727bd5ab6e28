"""What tasks leave behind besides their log."""

import asyncio
import os
from pathlib import Path

import pytest

from aiplat_jupyter.core.errors import NotFound
from aiplat_jupyter.core.records import Identity
from aiplat_jupyter.core.tasks import OutputQuery, Task
from aiplat_jupyter.services.outputs import Outputs
from aiplat_jupyter.store.database import Database
from tests.services.people import ADA, EVE
from tests.services.processes import closed
from tests.services.yard import Yard


@pytest.fixture
def url(sqlite_url: str) -> str:
    """Take one engine: what is tested is files."""
    return sqlite_url


@pytest.fixture
def yard(database: Database, tmp_path: Path) -> Yard:
    return Yard(database, tmp_path)


def read(yard: Yard, task: Task, who: Identity = ADA, attempt: str = "") -> tuple[str, bytes]:
    async def ask() -> tuple[str, bytes]:
        found = await Outputs(yard.database).notebook(who, task.uid, OutputQuery(attempt=attempt))
        return found.name, b"".join([piece async for piece in found.pieces])

    return asyncio.run(ask())


def started(yard: Yard) -> tuple[Task, Path]:
    task = yard.queue(name="report")
    yard.round()
    folder = Path(yard.get(task).lineage[-1].directory)
    folder.mkdir(parents=True, exist_ok=True)
    return task, folder


def test_it_is_there_as_far_as_it_has_run(yard: Yard) -> None:
    task = yard.queue(name="report")
    assert read(yard, task) == ("report-1.ipynb", b"")
    yard.round()
    folder = Path(yard.get(task).lineage[-1].directory)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "output.ipynb").write_bytes(b"{}" * 2_000_000)
    assert read(yard, task) == ("report-1.ipynb", b"{}" * 2_000_000)


def test_a_task_that_keeps_none_says_so(yard: Yard) -> None:
    task, _ = started(yard)
    with pytest.raises(NotFound, match="kept no notebook"):
        read(yard, task)
    with pytest.raises(NotFound, match="no attempt"):
        read(yard, task, attempt="another")


def test_what_others_may_not_see_does_not_exist(yard: Yard) -> None:
    task, folder = started(yard)
    (folder / "output.ipynb").write_bytes(b"{}")
    with pytest.raises(NotFound, match="no task"):
        read(yard, task, EVE)


def test_a_link_or_a_pipe_in_its_place_is_refused(yard: Yard, tmp_path: Path) -> None:
    task, folder = started(yard)
    (tmp_path / "secret").write_text("s3cret")
    (folder / "output.ipynb").symlink_to(tmp_path / "secret")
    with pytest.raises(NotFound):
        read(yard, task)
    (folder / "output.ipynb").unlink()
    os.mkfifo(folder / "output.ipynb")
    with pytest.raises(NotFound):
        read(yard, task)


def test_one_of_another_account_is_said_to_be_closed(yard: Yard) -> None:
    task, folder = started(yard)
    (folder / "output.ipynb").write_bytes(b"{}")
    with closed(folder.parent), pytest.raises(NotFound, match="of the account ada, closed to others"):
        read(yard, task)
    assert read(yard, task) == ("report-1.ipynb", b"{}")
