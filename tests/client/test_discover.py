"""Which server is talked to, and where the data are."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from aiplat_jupyter.client.discover import Server, data_dir, find_server, servers
from aiplat_jupyter.core.errors import InvalidInput

HERE = os.uname().nodename


def announce(folder: Path, name: str, pid: int, *, machine: str = HERE, age: float = 0.0) -> Path:
    path = folder / "servers" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    record = {"url": f"http://{name}:1/", "token": f"aip_{name}", "token_uid": "t", "pid": pid, "machine": machine}
    path.write_text(json.dumps(record))
    moment = path.stat().st_mtime - age
    os.utime(path, (moment, moment))
    return path


@pytest.fixture
def dead() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    return process.pid


def found() -> list[str]:
    return [server.token for server in servers()]


def test_nobody() -> None:
    assert find_server() is None


def test_the_living_and_the_youngest_first(data_dir: Path, dead: int) -> None:
    announce(data_dir, "old", os.getpid(), age=100)
    announce(data_dir, "young", os.getpid())
    announce(data_dir, "gone", dead)
    announce(data_dir, "elsewhere", 1 << 22, machine="another", age=-100)
    (data_dir / "servers" / "torn.json").write_text('{"url": "http')
    (data_dir / "servers" / "empty.json").write_text("{}")
    assert found() == ["aip_young", "aip_old", "aip_elsewhere"]


def test_the_environment_goes_first(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    announce(data_dir, "young", os.getpid())
    monkeypatch.setenv("AIPLAT_SERVER_URL", "https://example.org/user/ada")
    monkeypatch.setenv("AIPLAT_TOKEN", "aip_env")
    monkeypatch.setenv("AIPLAT_SERVER_FILE", str(announce(tmp_path, "own", os.getpid())))
    assert found() == ["aip_own", "aip_env", "aip_young"]


def test_a_kernel_whose_server_has_gone_finds_another(
    data_dir: Path, tmp_path: Path, dead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIPLAT_SERVER_FILE", str(announce(tmp_path, "own", dead)))
    announce(data_dir, "next", os.getpid())
    assert found() == ["aip_next"]


@pytest.mark.parametrize("url", ["localhost:8888", "ftp://x/", "example.org"])
def test_a_url_that_is_none_is_named(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIPLAT_SERVER_URL", url)
    with pytest.raises(InvalidInput, match="AIPLAT_SERVER_URL"):
        find_server()


@pytest.mark.parametrize("url", ["http://h:1/base", "http://h:1/base/", "http://h:1/base/aiplat/api/v1/"])
def test_urls_with_and_without_the_api(url: str) -> None:
    server = Server(url, "aip_s3cret")
    assert server.api == "http://h:1/base/aiplat/api/v1"
    assert server.web == "http://h:1/base"
    assert "s3cret" not in repr(server)


def test_the_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AIPLAT_DATA_DIR", "~/mine")
    assert data_dir() == tmp_path / "mine"
    monkeypatch.delenv("AIPLAT_DATA_DIR")
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    assert data_dir() == tmp_path / "jupyter" / "aiplat"


def test_a_browser_opens_it_where_people_do() -> None:
    assert Server("http://127.0.0.1:1/user/ada/", "t").page == "http://127.0.0.1:1/user/ada"
    assert Server("http://127.0.0.1:1/", "t", public_url="https://hub/user/ada/").page == "https://hub/user/ada"
