"""What is done when an alert fires: real sockets, real processes, and nothing that never answers holds anything up."""

import asyncio
import importlib.util
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from aiplat_jupyter.core.alert_rules import Kind
from aiplat_jupyter.core.alerts import Action, Alert, RuleSpec, Target
from aiplat_jupyter.core.errors import InvalidInput, NotFound
from aiplat_jupyter.services import alert_specs, alert_words, channel, notices, posting
from aiplat_jupyter.services.alert_ledger import Notice
from aiplat_jupyter.services.notices import Notices
from aiplat_jupyter.store import alert_rules, alerts
from aiplat_jupyter.store.database import Database
from tests.services.people import ADMIN
from tests.services.yard import Yard

SPEC = RuleSpec(subject="gpu", metric="temperature", condition="above", critical=90.0)
needs_apprise = pytest.mark.skipif(importlib.util.find_spec("apprise") is None, reason="Apprise is not installed")


class Hook(BaseHTTPRequestHandler):
    """Keeps what it is sent, and answers what the server says."""

    server: Any

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, self.headers["Content-Type"], body))
        codes = self.server.codes
        code = codes.pop(0) if len(codes) > 1 else codes[0]
        self.send_response(code)
        if code == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def hook(*codes: int) -> Iterator[Any]:
    """Serve a webhook that answers these codes, the last one for ever."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    server.got, server.codes = [], list(codes or (200,))
    server.url = f"http://127.0.0.1:{server.server_port}/s3cret"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def silent() -> Iterator[str]:
    """Take connections, and never answer."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/s3cret"


class Bureau:
    """Notices on a database with tasks."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.yard = Yard(database, folder)
        self.interrupted: list[str] = []

    async def interrupt(self, kernel: str) -> None:
        if kernel == "gone":
            raise NotFound("The kernel is not one of this server, or has ended.")
        self.interrupted.append(kernel)

    def notice(self, *actions: Action, kind: Kind = "fired", owner: str = "", **more: Any) -> Notice:
        """Return that something was said, by a rule with these actions."""
        target = Target(**{"key": "GPU-0", "label": "GPU 0 · <b>H100</b>"} | more.pop("target", {}))
        spec = RuleSpec(
            **{name: getattr(SPEC, name) for name in RuleSpec.__struct_fields__ if name != "actions"},
            actions=list(actions),
        )
        values = {"occurrence": str(time.time_ns()), "rule": "r", "name": "GPU <i>hot</i>", "subject": "gpu"}
        values |= {
            "severity": "critical",
            "condition": "above",
            "metric": "temperature",
            "value": 93.5,
            "threshold": 90.0,
        }
        uid = self.database.write_now(lambda tx: alerts.say(tx, values, target, None))
        rule = alert_rules.Found(
            1,
            "r",
            "GPU <i>hot</i>",
            "",
            owner,
            more.pop("is_everywhere", False),
            True,
            more.pop("silenced", 0.0),
            spec,
            [],
            1,
            0.0,
            0.0,
            0.0,
        )
        return Notice(kind, rule, self.get(uid))

    def get(self, uid: str) -> Alert:
        found = self.database.read_now(lambda tx: alerts.get(tx, uid))
        assert found is not None
        return found

    def act(self, *said: Notice, patience: float = 20.0) -> list[Alert]:
        """Let them be dealt with; return the alerts as they are then."""

        async def deal() -> None:
            async with Notices(self.database, self.yard.service, self.interrupt, ADMIN) as at:
                at.hear(said)
                async with asyncio.timeout(patience):
                    while at._under_way:
                        await asyncio.sleep(0.01)

        asyncio.run(deal())
        return [self.get(one.alert.uid) for one in said]


@pytest.fixture
def bureau(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bureau]:
    monkeypatch.setattr(notices, "WAITS", (0.01, 0.01, 0.01))
    database = Database.open(sqlite_url)
    yield Bureau(database, tmp_path)
    database.close()


class TestWebhook:
    def test_it_is_told_with_fields_and_words(self, bureau: Bureau) -> None:
        with hook() as at:
            (alert,) = bureau.act(bureau.notice(Action(kind="webhook", url=at.url)))
        ((path, kind, body),) = at.got
        told = json.loads(body)
        assert (path, kind) == ("/s3cret", "application/json")
        assert (told["event"], told["alert"]["uid"], told["alert"]["value"]) == ("fired", alert.uid, 93.5)
        assert told["title"] == "[critical] GPU <i>hot</i> (GPU 0 · <b>H100</b>)"
        assert told["text"] == "GPU 0 · <b>H100</b>: temperature is 93.5, above 90."
        (delivery,) = alert.deliveries
        assert (delivery.kind, delivery.tries, delivery.problem) == ("webhook", 1, "")

    def test_it_is_tried_again_while_that_may_help(self, bureau: Bureau) -> None:
        with hook(500, 503, 200) as at:
            (alert,) = bureau.act(bureau.notice(Action(kind="webhook", url=at.url)))
        assert (alert.deliveries[0].tries, alert.deliveries[0].problem) == (3, "")

    @pytest.mark.parametrize(("code", "tries"), [(404, 1), (302, 1), (429, 4), (500, 4)])
    def test_what_it_refuses_is_noted(self, bureau: Bureau, code: int, tries: int) -> None:
        with hook(code) as at:
            (alert,) = bureau.act(bureau.notice(Action(kind="webhook", url=at.url)))
        assert (len(at.got), alert.deliveries[0].tries) == (tries, tries)
        assert str(code) in alert.deliveries[0].problem

    def test_nobody_at_home(self, bureau: Bureau, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(0)
        with silent() as url:
            pass
        (alert,) = bureau.act(bureau.notice(Action(kind="webhook", url=url)))
        assert "Connection refused" in alert.deliveries[0].problem
        assert "s3cret" not in caplog.text + alert.deliveries[0].problem

    def test_one_that_never_answers_holds_nothing_up(self, bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(posting, "TIMEOUT", 1.0)
        with silent() as url, hook() as at:
            dead = [bureau.notice(Action(kind="webhook", url=url)) for _ in range(20)]
            alive = bureau.notice(Action(kind="webhook", url=at.url))

            async def deal() -> tuple[float, float]:
                began = time.monotonic()
                async with Notices(bureau.database, bureau.yard.service, bureau.interrupt, ADMIN) as told:
                    told.hear([*dead, alive])
                    heard = time.monotonic() - began
                    while not at.got:
                        await asyncio.sleep(0.005)
                    came = time.monotonic() - began
                return heard, came

            heard, came = asyncio.run(deal())
            assert heard < 0.5
            assert came < 5
            (alert,) = bureau.act(bureau.notice(Action(kind="webhook", url=url)))
        assert (alert.deliveries[0].tries, alert.deliveries[0].problem) == (
            4,
            "It cannot be reached: no answer within 1 s.",
        )

    def test_too_many_are_left_out(self, bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(notices, "MOST", 2)
        with hook() as at:
            done = bureau.act(*(bureau.notice(Action(kind="webhook", url=at.url)) for _ in range(4)))
        assert [len(one.deliveries) for one in done] == [1, 1, 0, 0]

    def test_one_thing_after_the_other_is_told_of_an_alert(
        self, bureau: Bureau, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(notices, "WAITS", (0.5, 0.5, 0.5))
        with hook(500, 200, 500, 200, 200) as at:
            fired = bureau.notice(Action(kind="webhook", url=at.url))
            bureau.act(fired, fired._replace(kind="worsened"), fired._replace(kind="resolved"))
        told = [json.loads(body)["event"] for _, _, body in at.got]
        assert told == ["fired", "fired", "worsened", "worsened", "resolved"]

    def test_when_it_is_told(self, bureau: Bureau) -> None:
        with hook() as at:
            url = Action(kind="webhook", url=at.url)
            silenced = bureau.notice(url, silenced=time.time() + 60)
            kinds: list[Kind] = ["worsened", "eased", "reminded", "resolved"]
            bureau.act(silenced, *(bureau.notice(url, kind=kind) for kind in kinds))
        assert sorted(json.loads(body)["event"] for _, _, body in at.got) == ["reminded", "resolved", "worsened"]


class TestActs:
    def stop(self, bureau: Bureau, owner: str, **more: Any) -> tuple[str, str]:
        task = bureau.yard.queue()
        notice = bureau.notice(Action(kind="stop_task"), owner=owner, target={"task": task.uid}, **more)
        (alert,) = bureau.act(notice)
        return bureau.yard.get(task).state, alert.deliveries[0].problem

    def test_a_task_is_stopped_by_who_may(self, bureau: Bureau) -> None:
        assert self.stop(bureau, "ada") == ("cancelled", "")
        assert self.stop(bureau, "") == ("cancelled", "")

    def test_a_task_is_not_stopped_by_who_may_not_or_no_longer(self, bureau: Bureau) -> None:
        state, problem = self.stop(bureau, "bob")
        assert state == "queued"
        assert "no task" in problem

    def test_what_works_for_no_task(self, bureau: Bureau) -> None:
        (alert,) = bureau.act(bureau.notice(Action(kind="stop_task"), owner="ada"))
        assert (alert.deliveries[0].tries, alert.deliveries[0].problem) == (1, "No task is known that it works for.")

    def test_only_when_it_fires(self, bureau: Bureau) -> None:
        (alert,) = bureau.act(bureau.notice(Action(kind="stop_task"), owner="ada", kind="resolved"))
        assert alert.deliveries == []

    def test_a_kernel_is_interrupted_for_its_own_account(self, bureau: Bureau) -> None:
        act = Action(kind="interrupt_kernel")
        kernel = {"kernel": "k1"}
        mine, theirs = bureau.notice(act, target=kernel), bureau.notice(act, owner="bob", target=kernel)
        gone, none = bureau.notice(act, target={"kernel": "gone"}), bureau.notice(act)
        problems = [one.deliveries[0].problem for one in bureau.act(mine, theirs, gone, none)]
        assert bureau.interrupted == ["k1"]
        assert problems[0] == ""
        assert "bob" in problems[1]
        assert "ended" in problems[2]
        assert "No kernel" in problems[3]


class TestChannels:
    def test_without_the_library_one_is_told_what_to_install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
        spec = RuleSpec(
            subject="host",
            metric="cpu",
            condition="above",
            warning=1.0,
            actions=[Action(kind="channel", url="slack://a/b/c")],
        )
        with pytest.raises(InvalidInput) as caught:
            alert_specs.checked(spec)
        assert "pip install 'aiplat_jupyter[notify]'" in caught.value.fields["spec.actions.0.url"]

    @needs_apprise
    @pytest.mark.timeout(180)
    def test_an_address_is_looked_at_before_it_is_kept(self) -> None:
        for url, is_known in (("feishu://abcdefgh1234", True), ("nonsense://x/y", False)):
            spec = RuleSpec(
                subject="host", metric="cpu", condition="above", warning=1.0, actions=[Action(kind="channel", url=url)]
            )
            if is_known:
                asyncio.run(alert_specs.refuse_unknown_channels(spec))
            else:
                with pytest.raises(InvalidInput):
                    asyncio.run(alert_specs.refuse_unknown_channels(spec))

    @needs_apprise
    @pytest.mark.timeout(180)
    def test_a_channel_is_told_and_markup_stays_text(self, bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
        with hook() as at:
            url = f"json://127.0.0.1:{at.server_port}/s3cret"
            (alert,) = bureau.act(bureau.notice(Action(kind="channel", url=url)), patience=150)
        ((_, _, body),) = at.got
        told = json.loads(body)
        assert (told["title"], told["type"]) == ("[critical] GPU <i>hot</i> (GPU 0 · <b>H100</b>)", "failure")
        assert told["message"] == "GPU 0 · <b>H100</b>: temperature is 93.5, above 90."
        assert [one.problem for one in alert.deliveries] == [""]

    def test_a_process_that_takes_too_long_is_killed(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(channel, "PATIENCE", 0.5)
        slow = tmp_path / "python"
        slow.write_text("#!/bin/sh\nexec sleep 60\n")
        slow.chmod(0o700)
        monkeypatch.setattr("sys.executable", str(slow))
        began = time.monotonic()
        assert "0.5 s" in asyncio.run(channel.notify("x://y", "t", "x", "info"))
        assert time.monotonic() - began < 20

    @needs_apprise
    @pytest.mark.timeout(180)
    def test_what_it_cannot_use_or_reach(self) -> None:
        assert asyncio.run(channel.notify("nonsense://x", "t", "x", "info")) == "Apprise cannot use the address."
        with silent() as url:
            pass
        unreached = url.replace("http", "json")
        assert asyncio.run(channel.notify(unreached, "t", "x", "info")) == "The channel did not take it."


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"condition": "not_finite", "metric": "loss", "text": "nan"}, "run: loss is NaN."),
        ({"condition": "not_finite", "metric": "loss", "text": "-inf"}, "run: loss is minus infinite."),
        (
            {"condition": "diverges", "metric": "loss", "value": 3.5, "for_s": 50.0},
            "run: loss is 3.5 times its best value for 50 steps.",
        ),
        (
            {"condition": "above", "metric": "loss", "value": None, "threshold": 3.0},
            "run: loss is unknown, above 3.",
        ),
        ({"condition": None, "title": "look", "text": ""}, "look"),
    ],
)
def test_words(more: dict[str, Any], text: str) -> None:
    target = Target(key="x1/loss", label="run")
    given: dict[str, Any] = {
        "uid": "u",
        "rule": "r",
        "name": "n",
        "severity": "info",
        "state": "firing",
        "subject": "experiment",
    }
    alert = Alert(**given, target=target, fired_at=1.0, updated_at=1.0, **more)
    assert alert_words.text(alert) == text
    assert alert_words.title("resolved", alert).startswith("Resolved: [info] ")
