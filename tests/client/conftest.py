"""A data folder, a session and a server's edge for each test of the client."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from aiplat_jupyter.client import session
from tests.client.fake_server import FakeServer

FOREIGN = ("AIPLAT_", "RANK", "WORLD_SIZE", "LOCAL_", "SLURM_", "OMPI_", "PMI_", "TORCHELASTIC_", "MASTER_", "JPY_")


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in list(os.environ):
        if name.startswith(FOREIGN):
            monkeypatch.delenv(name)
    folder = tmp_path / "data"
    monkeypatch.setenv("AIPLAT_DATA_DIR", str(folder))
    # Each test is a process of its own to the client; how a real one ends is tested in real ones.
    here = session.Session()
    monkeypatch.setattr(session, "_current", here)
    monkeypatch.setattr(session, "watch_for_the_end", lambda is_shell: None)
    yield folder
    here.end_all()
    here.shipper._shipments.clear()


@pytest.fixture
def server(data_dir: Path) -> Iterator[FakeServer]:
    fake = FakeServer()
    fake.announce(data_dir)
    yield fake
    fake.close()
