from pathlib import Path

import pytest

from aiplat_jupyter.store.database import Database
from tests.services.house import House
from tests.store.databases import database, empty_file, postgres_host, postgres_url, sqlite_url, url

__all__ = ["database", "empty_file", "postgres_host", "postgres_url", "sqlite_url", "url"]


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    """All services on an empty database, on each engine."""
    return House(database, tmp_path)
