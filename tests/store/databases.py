"""Fixtures: empty databases on both engines, quickly."""

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from aiplat_jupyter.store.database import Database
from tests.store import servers

_numbers = itertools.count()


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database with the schema and nothing in it."""
    path = tmp_path_factory.mktemp("empty") / "aiplat.db"
    Database.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def postgres_host() -> Iterator[str]:
    """The socket's folder of a PostgreSQL server that has an empty database ``empty`` with the schema."""
    programs = servers.binaries()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    with servers.postgres(programs) as host:
        servers.execute(host, "CREATE DATABASE empty")
        Database.open(f"postgresql://aiplat@/empty?host={host}").close()
        yield host


@pytest.fixture
def sqlite_url(tmp_path: Path, empty_file: Path) -> str:
    """A database file of the test's own."""
    shutil.copy(empty_file, tmp_path / "aiplat.db")
    return f"sqlite:///{tmp_path / 'aiplat.db'}"


@pytest.fixture
def postgres_url(postgres_host: str) -> Iterator[str]:
    """A PostgreSQL database of the test's own."""
    name = f"test{next(_numbers)}"
    servers.execute(postgres_host, f"CREATE DATABASE {name} TEMPLATE empty")
    yield f"postgresql://aiplat@/{name}?host={postgres_host}"
    servers.execute(postgres_host, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """An empty database, on each engine."""
    fixture = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    found: str = request.getfixturevalue(fixture)
    return found


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """An open, empty database, on each engine."""
    opened = Database.open(url)
    yield opened
    opened.close()
