import asyncio
import os
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select, text

from aiplat_jupyter.core.errors import InvalidInput, SchemaTooNew, Unavailable
from aiplat_jupyter.store import engines
from aiplat_jupyter.store.database import Database
from aiplat_jupyter.store.tables import TokenRow, UserRow


def add(name: str, size: int = 0):
    row = {"username": name, "display_name": "x" * size, "created_at": 0.0}
    return lambda tx: tx.execute(insert(UserRow), row) and None


def names(tx: Connection) -> list[str]:
    return list(tx.execute(text("SELECT username FROM users ORDER BY username")).scalars())


def test_writes_are_read(database: Database):
    database.write_now(add("ada"))
    assert database.read_now(names) == ["ada"]

    async def both() -> list[str]:
        await database.write(add("bob"))
        return await database.read(names)

    assert asyncio.run(both()) == ["ada", "bob"]


def test_a_failed_write_leaves_nothing_and_the_next_one_works(database: Database):
    def fail(tx: Connection) -> None:
        add("ada")(tx)
        raise KeyError("no")

    with pytest.raises(KeyError):
        database.write_now(fail)
    database.write_now(add("bob"))
    assert database.read_now(names) == ["bob"]


def test_readers_cannot_write(database: Database):
    with pytest.raises(Exception, match=r"read-only|cannot be written"):
        database.read_now(add("ada"))
    assert database.read_now(names) == []


def test_a_read_is_one_snapshot(database: Database):
    def ask(tx: Connection) -> tuple[list[str], list[str]]:
        before = names(tx)
        database.write_now(add("ada"))
        return before, names(tx)

    assert database.read_now(ask) == ([], [])
    assert database.read_now(names) == ["ada"]


def test_json_and_floats_come_back_as_they_went(database: Database):
    moment = 1790000000.123456789
    database.write_now(lambda tx: tx.execute(insert(UserRow), {"id": 1, "username": "é<b>", "created_at": moment}))
    token = {"uid": "t", "user_id": 1, "name": "n", "digest": "d", "scopes": ["ré", "\u0000"], "created_at": moment}
    database.write_now(lambda tx: tx.execute(insert(TokenRow), token))
    found = database.read_now(
        lambda tx: tx.execute(select(TokenRow.scopes, TokenRow.created_at, UserRow.username).join(UserRow)).one()
    )
    assert tuple(found) == (["ré", "\u0000"], moment, "é<b>")


def test_two_servers_interleave_their_writes(url: str):
    first, second = Database.open(url), Database.open(url)

    def count(tx: Connection) -> None:
        known = tx.execute(text("SELECT count(*) FROM users")).scalar_one()
        add(f"{known:04}")(tx)  # collides with another writer's if both could look before either wrote

    def work(database: Database) -> None:
        for _ in range(60):
            database.write_now(count)

    threads = [threading.Thread(target=work, args=(database,)) for database in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert first.read_now(names) == second.read_now(names) == [f"{number:04}" for number in range(120)]
    first.close()
    second.close()


def test_commits_are_heard_by_every_server(url: str):
    ours, theirs = Database.open(url), Database.open(url)
    heard = threading.Event()
    end = ours.follow(heard.set)
    time.sleep(0.5)
    heard.clear()
    theirs.write_now(add("ada"))
    # PostgreSQL's notification is sent by what records a change, not by any write
    if theirs.kind == "postgresql":
        theirs.write_now(lambda tx: tx.execute(text("NOTIFY aiplat_changes")))
    assert heard.wait(2)
    heard.clear()
    ours.write_now(add("bob"))
    assert heard.is_set()
    end()
    ours.close()
    theirs.close()


def test_close_finishes_what_was_asked_and_may_be_called_twice(sqlite_url: str):
    database = Database.open(sqlite_url)
    pending = [database.submit(add(str(number))) for number in range(50)]
    database.close()
    assert all(future.done() and future.exception() is None for future in pending)
    database.close()
    with pytest.raises(Unavailable, match="shutting down"):
        database.write_now(add("late"))
    with pytest.raises(Unavailable, match="shutting down"):
        asyncio.run(database.read(names))


def test_a_locked_database_is_unavailable_then_works(sqlite_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(engines, "BUSY_SECONDS", 0.2)
    database = Database.open(sqlite_url)
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="locked") as caught:
        database.write_now(add("ada"))
    assert caught.value.hint
    assert database.read_now(names) == []
    other.execute("ROLLBACK")
    other.close()
    database.write_now(add("ada"))
    assert database.read_now(names) == ["ada"]
    database.close()


def test_a_full_disk_is_unavailable_then_works(tmp_path: Path, sqlite_url: str):
    """In a process of its own, as the limit on the size of files cannot be raised again for one thread."""
    script = f"""
import resource, signal, sys
sys.path.insert(0, {str(Path.cwd())!r})
from aiplat_jupyter.core.errors import Unavailable
from aiplat_jupyter.store.database import Database
from tests.store.test_database import add, names
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
database = Database.open({sqlite_url!r})
database.write_now(add("ada"))
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, hard))
try:
    database.write_now(add("large", 5_000_000))
except Unavailable as error:
    assert "disk" in error.detail and error.hint, error
else:
    raise SystemExit("it was not full")
assert database.read_now(names) == ["ada"]
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
database.write_now(add("bob", 5_000_000))
assert database.read_now(names) == ["ada", "bob"]
database.close()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stderr


FOREIGN = b"PK\x03\x04 this is no database, but somebody's work" * 100


def foreign_sqlite(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE bookmarks (id INTEGER PRIMARY KEY)")
    other.close()


def newer(path: Path) -> None:
    Database.open(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as other:
        other.execute("UPDATE aiplat_version SET version_num = '9999'")
    other.close()


def cut_short(path: Path) -> None:
    database = Database.open(f"sqlite:///{path}")
    for number in range(50):
        database.write_now(add(str(number), 20_000))
    database.close()
    os.truncate(path, path.stat().st_size // 3)


@pytest.mark.parametrize(
    ("spoil", "error", "says"),
    [
        (lambda path: path.write_bytes(FOREIGN), Unavailable, "not an SQLite database"),
        (lambda path: path.write_bytes(b"SQLite format 3\x00" + b"\x00" * 50), Unavailable, r"damaged|not an SQLite"),
        (foreign_sqlite, Unavailable, "another program"),
        (newer, SchemaTooNew, "newer"),
        (cut_short, Unavailable, "damaged or cut short"),
    ],
)
def test_what_cannot_be_used_is_refused_and_left_alone(tmp_path: Path, spoil, error, says):
    path = tmp_path / "aiplat.db"
    spoil(path)
    before = path.read_bytes()
    with pytest.raises(error, match=says) as caught:
        Database.open(f"sqlite:///{path}")
    assert caught.value.hint
    assert path.read_bytes() == before


@pytest.mark.parametrize("url", ["mysql://host/db", "sqlite://", "sqlite:///:memory:", "no url"])
def test_other_urls_are_refused(url: str):
    with pytest.raises(InvalidInput) as caught:
        Database.open(url)
    assert "db_url" in caught.value.fields


def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path):
    with pytest.raises(Unavailable, match="does not answer"):
        Database.open(f"postgresql://aiplat@/none?host={tmp_path}")


def test_new_files_are_private_and_use_the_write_ahead_log(tmp_path: Path):
    database = Database.open(f"sqlite:///{tmp_path / 'new' / 'aiplat.db'}")
    assert database.path is not None
    assert database.path.stat().st_mode & 0o777 == 0o600
    assert database.journal_mode == "wal"
    assert database.read_now(lambda tx: tx.exec_driver_sql("PRAGMA auto_vacuum").scalar()) == 2
    database.close()


def test_no_write_ahead_log_on_a_network_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from psutil._ntuples import sdiskpart

    mounts = [sdiskpart("/dev/x", "/", "ext4", ""), sdiskpart("host:/home", str(tmp_path), "nfs4", "")]
    monkeypatch.setattr(engines.psutil, "disk_partitions", lambda **_: mounts)
    database = Database.open(f"sqlite:///{tmp_path / 'aiplat.db'}")
    assert database.journal_mode == "delete"
    database.write_now(add("ada"))
    assert database.read_now(names) == ["ada"]
    database.close()


def test_reclaim_gives_space_back(sqlite_url: str):
    database = Database.open(sqlite_url)
    for number in range(40):
        database.write_now(add(str(number), 200_000))
    database.write_now(lambda tx: tx.execute(text("DELETE FROM users")))
    asyncio.run(database.reclaim())
    database.close()
    assert database.path is not None
    assert database.path.stat().st_size < 1_000_000
