"""Servers as processes of their own: every way of signing in, with a real client beside them."""

import http.cookiejar
import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.auth import passwd

from tests.lab import Lab

SCRIPT = """
import aiplat_jupyter as aiplat

with aiplat.init(project="digits", name="from a script") as exp:
    for step in range(50):
        exp.log({"loss": 1 / (step + 1)}, step=step)
"""


def train(lab: Lab) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=lab.environment(), capture_output=True, text=True, timeout=50, check=False
    )
    assert done.returncode == 0, done.stderr


def own_token(lab: Lab) -> dict[str, str]:
    [entry] = (lab.data_dir / "servers").glob("*.json")
    return {"Authorization": f"Bearer {json.loads(entry.read_text())['token']}"}


class Browser:
    """Keeps cookies, and sends the XSRF token if it is told to."""

    def __init__(self, lab: Lab) -> None:
        self._url = lab.url
        self._jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._jar))

    def ask(self, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any]:
        request = urllib.request.Request(self._url + path, body, headers)
        try:
            with self._opener.open(request, timeout=10) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if path.startswith("/aiplat") else text
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    @property
    def xsrf(self) -> str:
        return next(str(cookie.value) for cookie in self._jar if cookie.name == "_xsrf")

    def sign_in(self, password: str) -> None:
        self.ask("/login")
        form = urllib.parse.urlencode({"password": password, "_xsrf": self.xsrf}).encode()
        status, _ = self.ask("/login?next=%2Fapi", form)
        assert status == 200


def until_there(lab: Lab, headers: dict[str, str]) -> Any:
    """Wait until the platform has started, which it does after Jupyter answers."""
    status, info = Browser(lab).ask("/aiplat/api/v1/server", **headers)
    assert status == 200, info
    return info


def experiments(lab: Lab, headers: dict[str, str]) -> list[Any]:
    _, page = Browser(lab).ask("/aiplat/api/v1/experiments?metrics=loss", **headers)
    return list(page["items"])


def test_with_a_password(tmp_path: Path) -> None:
    options = f"--PasswordIdentityProvider.hashed_password={passwd('correct horse')}"
    with Lab(tmp_path, "jupyter_server", token="", options=(options,)) as lab:
        wait_for_start(lab)
        headers = own_token(lab)
        machine_user = until_there(lab, headers)["user"]["username"]
        train(lab)
        [row] = experiments(lab, headers)
        assert (row["status"], row["metrics"][0]["count"], row["owner"]) == ("finished", 50, machine_user)

        stranger, person = Browser(lab), Browser(lab)
        assert stranger.ask("/aiplat/api/v1/experiments")[0] == 401
        assert stranger.ask("/aiplat/api/v1/projects", b'{"name": "p"}')[0] == 401
        person.sign_in("correct horse")
        assert person.ask("/aiplat/api/v1/server", Referer=lab.url + "/lab")[1]["user"]["username"] == machine_user
        assert person.ask("/aiplat/api/v1/projects", b'{"name": "p"}')[0] == 403
        assert person.ask("/aiplat/api/v1/projects", b'{"name": "p"}', **{"X-XSRFToken": person.xsrf})[0] == 201
        secret = headers["Authorization"].partition(" ")[2]
        assert secret not in lab.log()


def test_without_any_token(tmp_path: Path) -> None:
    with Lab(tmp_path, "jupyter_server", token="") as lab:
        assert until_there(lab, {})["user"]["is_admin"] is True
        train(lab)
        assert [row["status"] for row in experiments(lab, {})] == ["finished"]


def test_below_a_base_url(tmp_path: Path) -> None:
    with Lab(tmp_path, "jupyter_server", options=("--ServerApp.base_url=/user/ada/",)) as lab:
        wait_for_start(lab)
        train(lab)
        headers = own_token(lab)
        status, page = Browser(lab).ask("/user/ada/aiplat/api/v1/experiments", **headers)
        assert status == 200
        assert json.loads(page)["items"][0]["status"] == "finished"
        assert Browser(lab).ask("/aiplat/api/v1/experiments", **headers)[0] == 404


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Lab, Lab]]:
    with Lab(tmp_path, "jupyter_server") as first, Lab(tmp_path, "jupyter_server") as second:
        for lab in (first, second):
            until_there(lab, {"Authorization": f"token {lab.token}"})
        yield first, second


def test_two_servers_share_one_folder(two: tuple[Lab, Lab]) -> None:
    first, second = two
    assert len(list((first.data_dir / "servers").glob("*.json"))) == 2
    at = second.api("events?wait=0")["next"]
    train(first)
    seen: list[Any] = []
    deadline = time.monotonic() + 20
    while not any(change["kind"] == "status" for change in seen) and time.monotonic() < deadline:
        answer = second.api(f"events?wait=5&after={at}")
        at, seen = answer["next"], seen + answer["items"]
    assert {"created", "points", "status"} <= {change["kind"] for change in seen}
    here, there = (lab.api("experiments?metrics=loss")["items"] for lab in two)
    assert here == there
    assert here[0]["metrics"][0]["count"] == 50


def test_a_server_that_is_told_to_end_takes_its_token_along(tmp_path: Path) -> None:
    with Lab(tmp_path, "jupyter_server", options=("--AiplatApp.journal_days=3",)) as lab:
        wait_for_start(lab)
        assert len(list((lab.data_dir / "servers").glob("*.json"))) == 1
    assert not list((lab.data_dir / "servers").glob("*.json"))
    assert not re.search(r"Traceback|did not stop", lab.log())


def wait_for_start(lab: Lab) -> None:
    deadline = time.monotonic() + 30
    while not list((lab.data_dir / "servers").glob("*.json")):
        assert time.monotonic() < deadline, lab.log()
        time.sleep(0.05)
