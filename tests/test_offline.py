"""`aiplat.open`: a store read without a server."""

import asyncio
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import aiplat_jupyter as aiplat
from aiplat_jupyter.core import errors
from aiplat_jupyter.core.records import NewExperiment, NewPoints
from aiplat_jupyter.store.database import Database
from tests.services.frames import run
from tests.services.house import House
from tests.services.people import ADA, BOB
from tests.store.databases import empty_file, sqlite_url

__all__ = ["empty_file", "sqlite_url"]
COLUMNS = ["metric", "context", "attempt", "step", "time", "value"]


@pytest.fixture
def house(sqlite_url: str, tmp_path: Path):
    database = Database.open(sqlite_url)
    made = House(database, tmp_path)
    made.experiments.create(ADA, NewExperiment(project="digits", uid="e", name="mlp", config={"lr": 1e-4}))
    made.metrics.add(ADA, "e", NewPoints(step=[2, 1], wall=[20.0, 10.0], values={"loss": [0.5, 1.0], "acc": [1, 0]}))
    made.journals.append(BOB, "j", 0, run("j", range(5000), experiment="bobs"))
    yield made
    database.close()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("aiplat.db*") if not path.name.endswith("-shm")}


def test_tables_are_those_of_a_server(house: House, tmp_path: Path):
    with aiplat.open(tmp_path) as store:
        table = store.experiments("config.lr<1e-3", metrics=["loss", "acc"])
        assert table.loc["e", ["name", "project_name", "loss", "acc"]].tolist() == ["mlp", "digits", 0.5, 1.0]
        assert sorted(store.experiments().index) == ["bobs", "e"]
        points = store.history("e", "loss")
        assert list(points.columns) == COLUMNS
        assert points[["step", "value"]].values.tolist() == [[1, 1.0], [2, 0.5]]
        assert [moment.timestamp() for moment in points["time"]] == [10.0, 20.0]
        assert set(store.history("e")["metric"]) == {"loss", "acc"}


def test_pages_are_walked(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from aiplat_jupyter import offline

    monkeypatch.setattr(offline, "_PAGE", 700)
    with aiplat.open(tmp_path / "aiplat.db") as store:
        assert store.history("bobs", "loss")["step"].tolist() == list(range(5000))


def test_a_server_may_go_on_writing(house: House, tmp_path: Path):
    with aiplat.open(tmp_path) as store:
        assert len(store.history("e", "loss")) == 2
        house.metrics.add(ADA, "e", NewPoints(step=[3], values={"loss": [0.1]}))
        assert len(store.history("e", "loss")) == 3


def test_it_works_inside_a_running_loop(house: House, tmp_path: Path):
    async def cell() -> int:
        with aiplat.open(tmp_path) as store:
            return len(store.experiments())

    assert asyncio.run(cell()) == 2


@pytest.mark.parametrize("is_in_use", [True, False])
def test_nothing_is_written(house: House, tmp_path: Path, is_in_use: bool):
    if not is_in_use:
        house.database.close()
    before = contents(tmp_path)
    with aiplat.open(tmp_path) as store:
        assert len(store.history("e")) == 4
        with pytest.raises(errors.Unavailable):
            store._reader.read(lambda tx: tx.exec_driver_sql("DELETE FROM experiments"))
    after = contents(tmp_path)
    assert {name: data for name, data in after.items() if data} == {name: data for name, data in before.items() if data}


def test_a_folder_that_cannot_be_written(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    house.database.close()
    monkeypatch.setattr(os, "access", lambda *_: False)
    with aiplat.open(tmp_path) as store:
        assert len(store.experiments()) == 2
        assert [path.name for path in tmp_path.glob("aiplat.db*")] == ["aiplat.db"]


def test_what_is_not_known(house: House, tmp_path: Path):
    with aiplat.open(tmp_path) as store:
        with pytest.raises(errors.NotFound):
            store.history("nobody")
        with pytest.raises(errors.InvalidInput, match="Column 1"):
            store.experiments("config.lr<x")
        assert len(store.experiments("status:failed")) == 0


def test_what_cannot_be_opened_is_left_alone(tmp_path: Path, empty_file: Path):
    with pytest.raises(errors.InvalidInput, match="no file"):
        aiplat.open(tmp_path)
    assert list(tmp_path.iterdir()) == []
    text, older, newer = tmp_path / "text.db", tmp_path / "older.db", tmp_path / "newer.db"
    text.write_text("This is no database. " * 100)
    for path, version in ((older, None), (newer, "9999")):
        shutil.copy(empty_file, path)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(
                "UPDATE aiplat_version SET version_num = ?" if version else "DELETE FROM aiplat_version",
                (version,) if version else (),
            )
            connection.commit()
    for path, said in ((text, "not an SQLite database"), (older, "older version"), (newer, "newer than this")):
        before = path.read_bytes()
        with pytest.raises(errors.Unavailable, match=said):
            aiplat.open(path)
        assert path.read_bytes() == before


def test_a_star_import_does_not_hide_pythons_open():
    assert "open" not in aiplat.__all__
    assert "open" in dir(aiplat)
