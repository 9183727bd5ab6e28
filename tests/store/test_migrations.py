import asyncio
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections import namedtuple
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from aiplat_jupyter.core.errors import Unavailable
from aiplat_jupyter.services.projects import Projects
from aiplat_jupyter.store import engines, schema
from aiplat_jupyter.store.database import Database
from aiplat_jupyter.store.journal_files import JournalFiles
from aiplat_jupyter.store.tables import Base
from aiplat_jupyter.store.task_folders import TaskFolders
from tests.services.people import ADA
from tests.services.yard import Yard


def test_the_migrated_schema_is_that_of_the_tables(database: Database):
    def differences(tx):
        options = {"version_table": schema.VERSION_TABLE, "compare_type": True}
        return compare_metadata(MigrationContext.configure(tx, opts=options), Base.metadata)

    assert database.read_now(differences) == []


def test_tables_have_the_options_that_migrations_do_not_compare(sqlite_url: str):
    made = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))
    autoincrement = "SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%' ORDER BY name"
    expected = [
        name for name, table in sorted(Base.metadata.tables.items()) if table.dialect_options["sqlite"]["autoincrement"]
    ]
    assert [row[0] for row in made.execute(autoincrement)] == expected
    cascades = made.execute(
        "SELECT count(*) FROM sqlite_master m, pragma_foreign_key_list(m.name) f"
        " WHERE f.on_delete IN ('CASCADE', 'SET NULL')"
    )
    assert cascades.fetchone()[0] == sum(len(table.foreign_keys) for table in Base.metadata.tables.values())
    made.close()


def test_revisions_are_told_without_alembic():
    config = Config()
    config.set_main_option("script_location", "aiplat_jupyter.store:migrations")
    scripts = ScriptDirectory.from_config(config)
    assert schema.revisions() == [script.revision for script in reversed(list(scripts.walk_revisions()))]
    assert scripts.get_heads() == [schema.revisions()[-1]]


def test_alembic_is_not_imported_for_a_database_that_is_up_to_date(sqlite_url: str):
    script = (
        "import sys; from aiplat_jupyter.store.database import Database;"
        f"Database.open({sqlite_url!r}).close(); sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], timeout=50).returncode == 0


def test_many_servers_may_start_on_a_new_database(tmp_path: Path):
    url, opened = f"sqlite:///{tmp_path / 'aiplat.db'}", []
    threads = [threading.Thread(target=lambda: opened.append(Database.open(url))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 4
    for database in opened:
        database.close()


@pytest.fixture
def older(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database whose schema counts as one of an older revision, which an upgrade brings up to date."""
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    with sqlite3.connect(path) as old:
        old.execute(
            "INSERT INTO users (username, display_name, is_active, role, created_at) VALUES ('ada', '', 1, '', 0)"
        )
        old.execute("UPDATE aiplat_version SET version_num = '0000'")
    old.close()
    known = schema.revisions()
    monkeypatch.setattr(schema, "revisions", lambda: ["0000", *known])

    def upgrade(connection) -> None:
        with connection.begin():
            connection.exec_driver_sql(f"UPDATE aiplat_version SET version_num = '{known[-1]}'")

    monkeypatch.setattr(schema, "_upgrade", upgrade)
    return path


def test_an_upgrade_saves_the_old_file(older: Path, tmp_path: Path):
    Database.open(f"sqlite:///{older}", backups=tmp_path / "saved").close()
    [saved] = (tmp_path / "saved").iterdir()
    assert saved.stat().st_mode & 0o777 == 0o600
    copy = sqlite3.connect(saved)
    assert copy.execute("SELECT version_num FROM aiplat_version").fetchall() == [("0000",)]
    assert copy.execute("SELECT username FROM users").fetchall() == [("ada",)]
    copy.close()
    Database.open(f"sqlite:///{older}", backups=tmp_path / "saved").close()
    assert len(list((tmp_path / "saved").iterdir())) == 1


def test_no_upgrade_without_space_for_the_backup(older: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(1, 1, 1_000))
    with pytest.raises(Unavailable, match="Not enough space"):
        Database.open(f"sqlite:///{older}")
    left = sqlite3.connect(older)
    assert left.execute("SELECT version_num FROM aiplat_version").fetchall() == [("0000",)]
    left.close()


def test_only_the_newest_backups_stay(sqlite_url: str, tmp_path: Path):
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    made = [schema.back_up(path, tmp_path / "saved", str(number)) for number in range(5)]
    assert sorted((tmp_path / "saved").iterdir()) == sorted(made[-schema.KEPT_BACKUPS :])


def test_a_database_of_the_first_schema_keeps_what_it_holds(tmp_path: Path):
    path = tmp_path / "aiplat.db"
    make_first_schema(path)
    with sqlite3.connect(path) as old:
        old.execute(
            "INSERT INTO projects (uid, name, description, status, owner, created_at, updated_at)"
            " VALUES ('p', 'digits', '', 'active', 'ada', 1, 1)"
        )
        old.execute("INSERT INTO members (project_id, username, role) VALUES (1, 'ada', 'owner')")
    old.close()
    database = Database.open(f"sqlite:///{path}", backups=tmp_path / "saved")
    files, folders = JournalFiles(tmp_path), TaskFolders(tmp_path / "tasks")
    assert asyncio.run(Projects(database, files, folders).get(ADA, "p")).name == "digits"
    assert Yard(database, tmp_path).queue(project="digits").project == "p"
    database.close()
    [saved] = (tmp_path / "saved").iterdir()
    with sqlite3.connect(saved) as copy:
        assert copy.execute("SELECT version_num FROM aiplat_version").fetchall() == [("0001",)]
        assert not copy.execute("SELECT 1 FROM sqlite_master WHERE name = 'tasks'").fetchall()
    copy.close()


def make_first_schema(path: Path) -> None:
    """Make an empty database as the first release did."""
    where = engines.target(f"sqlite:///{path}")
    engine = engines.engine(where, "migrate")
    config = Config()
    config.set_main_option("script_location", "aiplat_jupyter.store:migrations")
    with engine.connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()
