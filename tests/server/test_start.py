"""The platform starts and stops with the server; a failed start leaves Jupyter running and says why."""

import asyncio
import json
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from traitlets import TraitError

from aiplat_jupyter.pytest_plugin import Ask
from aiplat_jupyter.server.app import AiplatApp
from aiplat_jupyter.store.database import Database


def data_dir(app: AiplatApp) -> Path:
    return Path(app.data_dir)


async def test_first_contact(aiplat_app: AiplatApp, aiplat_ask: Ask) -> None:
    info = (await aiplat_ask("GET", "server")).record
    assert info["api"] == 1
    assert info["database"] == "sqlite"
    assert info["data_dir"] == aiplat_app.data_dir
    assert (info["user"]["username"], info["user"]["is_admin"]) == (aiplat_app.local.username, True)
    assert set(info["user"]["scopes"]) == {"admin", "read", "write"}


async def test_clients_of_this_machine_find_the_server(aiplat_app: AiplatApp, http_server_client: Any) -> None:
    path = Path(os.environ["AIPLAT_SERVER_FILE"])
    assert path == data_dir(aiplat_app) / "servers" / f"{os.getpid()}.json"
    assert os.environ["AIPLAT_DATA_DIR"] == aiplat_app.data_dir
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(data_dir(aiplat_app).stat().st_mode) == 0o700
    entry = json.loads(path.read_text())
    assert (entry["pid"], entry["database"]) == (os.getpid(), "sqlite")
    headers = {"Authorization": f"Bearer {entry['token']}"}
    answer = await http_server_client.fetch(
        "/" + entry["url"].split("/", 3)[3] + "aiplat/api/v1/server", headers=headers
    )
    assert json.loads(answer.body)["user"]["username"] == aiplat_app.local.username


@pytest.mark.parametrize(
    ("hub", "shown", "expected"),
    [
        ("", "", ""),
        ("", "https://gate.example", "https://gate.example{base}"),
        ("", "https://gate.example/lab-of-ada/", "https://gate.example/lab-of-ada/"),
        ("https://hub.example/user/ada/", "https://gate.example", "https://hub.example/user/ada/"),
    ],
)
async def test_where_people_open_it(
    aiplat_app: AiplatApp, monkeypatch: pytest.MonkeyPatch, hub: str, shown: str, expected: str
) -> None:
    await aiplat_app.stop_extension()
    assert aiplat_app.serverapp is not None
    aiplat_app.serverapp.custom_display_url = shown
    monkeypatch.setenv("JUPYTERHUB_PUBLIC_URL", hub)
    await aiplat_app._start_jupyter_server_extension(aiplat_app.serverapp)
    entry = json.loads(Path(os.environ["AIPLAT_SERVER_FILE"]).read_text())
    assert entry["public_url"] == expected.format(base=aiplat_app.serverapp.base_url)


async def test_stopping_takes_everything_back(aiplat_app: AiplatApp, aiplat_ask: Ask) -> None:
    path = Path(os.environ["AIPLAT_SERVER_FILE"])
    entry = json.loads(path.read_text())
    await aiplat_app.stop_extension()
    assert not path.exists()
    assert "AIPLAT_SERVER_FILE" not in os.environ
    problem = (await aiplat_ask("GET", "projects", status=503)).record
    assert "shutting down" in problem["detail"]
    await aiplat_app._start_jupyter_server_extension(aiplat_app.serverapp)
    old = {"Authorization": f"Bearer {entry['token']}"}
    await aiplat_ask("GET", "projects", headers=old, status=401)
    await aiplat_ask("GET", "projects")


async def test_entries_of_servers_that_were_killed_are_removed(aiplat_app: AiplatApp, aiplat_ask: Ask) -> None:
    mine = Path(os.environ["AIPLAT_SERVER_FILE"])
    entry = json.loads(mine.read_text())
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    minted = (await aiplat_ask("POST", "auth/token", {"name": "killed server"}, status=201)).record
    left = mine.with_name(f"{gone.pid}.json")
    left.write_text(json.dumps(entry | {"pid": gone.pid, "token_uid": minted["token"]["uid"]}))
    elsewhere = mine.with_name("1.json")
    elsewhere.write_text(json.dumps(entry | {"machine": "another", "pid": gone.pid}))
    broken = mine.with_name("2.json")
    broken.write_text("{")
    await aiplat_app.stop_extension()
    await aiplat_app._start_jupyter_server_extension(aiplat_app.serverapp)
    assert not left.exists()
    assert elsewhere.exists()
    assert broken.exists()
    await aiplat_ask("GET", "projects", headers={"Authorization": f"Bearer {minted['secret']}"}, status=401)


def test_stopping_what_never_started_is_harmless(jp_serverapp: Any, jp_asyncio_loop: asyncio.AbstractEventLoop) -> None:
    jp_asyncio_loop.run_until_complete(jp_serverapp.extension_manager.stop_all_extensions())


async def test_a_request_before_the_start_waits_for_it(aiplat_app: AiplatApp, aiplat_ask: Ask) -> None:
    await aiplat_app.stop_extension()
    aiplat_app._decided.clear()
    asked = asyncio.ensure_future(aiplat_ask("GET", "server"))
    await asyncio.sleep(0.1)
    assert not asked.done()
    await aiplat_app._start_jupyter_server_extension(aiplat_app.serverapp)
    await asked


async def test_a_request_does_not_wait_for_ever(
    aiplat_app: AiplatApp, aiplat_ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiplat_jupyter.server.app.PATIENCE", 0.05)
    await aiplat_app.stop_extension()
    aiplat_app._decided.clear()
    await aiplat_ask("GET", "server", status=503)


async def test_a_bug_at_the_start_leaves_jupyter_running(
    aiplat_app: AiplatApp, aiplat_ask: Ask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("something private")

    await aiplat_app.stop_extension()
    monkeypatch.setattr("aiplat_jupyter.platform.Bus", fail)
    await aiplat_app._start_jupyter_server_extension(aiplat_app.serverapp)
    problem = await aiplat_ask("GET", "server", status=503)
    assert b"private" not in problem.body
    assert "something private" in caplog.text


class TestFailure:
    """A database that cannot be used."""

    @pytest.fixture(params=["foreign", "newer", "truncated", "nonsense"])
    def damage(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.fixture
    def aiplat_config(self, tmp_path: Path, damage: str) -> dict[str, Any]:
        database = tmp_path / "aiplat" / "aiplat.db"
        database.parent.mkdir()
        spoil(database, damage)
        return {"data_dir": str(database.parent)}

    async def test_jupyter_goes_on_and_every_route_says_why(
        self, aiplat_app: AiplatApp, aiplat_ask: Ask, jp_fetch: Callable[..., Any], damage: str
    ) -> None:
        database = data_dir(aiplat_app) / "aiplat.db"
        before = database.read_bytes()
        for method, path in (("GET", "server"), ("POST", "experiments"), ("GET", "events")):
            problem = (await aiplat_ask(method, path, {} if method == "POST" else None, status=503)).record
            assert problem["code"] == ("schema_too_new" if damage == "newer" else "unavailable")
            assert problem["detail"]
            assert problem["hint"]
        token = {"Authorization": "Bearer aip_0123"}
        stranger = (await aiplat_ask("GET", "server", headers=token, status=503)).record
        assert str(database) not in json.dumps(stranger)
        await aiplat_ask("GET", "server", headers={"Authorization": ""}, status=401)
        assert (await jp_fetch("api/status")).code == 200
        assert database.read_bytes() == before
        assert "AIPLAT_SERVER_FILE" not in os.environ


def spoil(database: Path, damage: str) -> None:
    if damage == "nonsense":
        database.write_bytes(b"no database at all" * 1000)
        return
    if damage == "truncated":
        Database.open(f"sqlite:///{database}").close()
        database.write_bytes(database.read_bytes()[: database.stat().st_size // 2])
        return
    with sqlite3.connect(database) as connection:
        connection.execute(f"CREATE TABLE {'recipes' if damage == 'foreign' else 'aiplat_version'} (version_num TEXT)")
        connection.execute("INSERT INTO aiplat_version VALUES ('9999')" if damage == "newer" else "SELECT 1")
    connection.close()


class TestUnusableFolder:
    """A data folder that cannot be made."""

    @pytest.fixture
    def aiplat_config(self, tmp_path: Path) -> dict[str, Any]:
        (tmp_path / "file").write_text("in the way")
        return {"data_dir": str(tmp_path / "file" / "aiplat")}

    async def test_the_reason_names_the_folder_and_the_setting(self, aiplat_ask: Ask) -> None:
        problem = (await aiplat_ask("GET", "server", status=503)).record
        assert "file/aiplat" in problem["detail"]
        assert "AiplatApp.data_dir" in problem["hint"]


class TestUnreachableDatabase:
    """A database URL that leads nowhere."""

    @pytest.fixture
    def aiplat_config(self) -> dict[str, Any]:
        return {"db_url": "postgresql+psycopg://nobody:secret@127.0.0.1:1/none"}

    async def test_the_reason_does_not_tell_the_password(
        self, aiplat_ask: Ask, caplog: pytest.LogCaptureFixture
    ) -> None:
        problem = await aiplat_ask("GET", "server", status=503)
        assert b"secret" not in problem.body
        assert "secret" not in caplog.text.replace("[secret]", "")


def test_the_data_folder_is_absolute() -> None:
    with pytest.raises(TraitError, match="absolute"):
        AiplatApp(data_dir="here")
    assert AiplatApp(data_dir="~/x").data_dir == str(Path("~/x").expanduser())
