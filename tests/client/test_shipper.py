"""Shipping: everything arrives once, whatever server and network do; nobody waits who should not."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from aiplat_jupyter.client import session, shipment, shipper
from aiplat_jupyter.client.opening import init
from aiplat_jupyter.core.frames import MAX_PAYLOAD, whole_frames
from tests.client.fake_server import FakeServer, points, records


def eventually(condition: Callable[[], object], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "It did not happen in time."
        time.sleep(0.01)


def steps(server: FakeServer, uid: str) -> list[int]:
    return [point.step for point in points(server.of(uid))]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipper, "TICK", 0.02)
    monkeypatch.setattr(shipper, "FIRST_PAUSE", 0.05)


def test_points_arrive_while_training(server: FakeServer) -> None:
    exp = init()
    for step in range(100):
        exp.log({"x": 1.0}, step)
    eventually(lambda: server.of_all(exp.uid) and steps(server, exp.uid) == list(range(100)))
    exp.log({"x": 1.0}, 100)
    assert exp.flush()
    assert steps(server, exp.uid) == list(range(101))


def test_a_steady_trickle_is_sent_in_ticks(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipper, "TICK", 0.1)
    exp = init()
    assert exp.flush()
    before, end = len(server.posts), time.monotonic() + 1.0
    while time.monotonic() < end:
        exp.log({"x": 1.0})
        time.sleep(0.001)
    assert 3 <= len(server.posts) - before <= 12
    assert exp.flush()


def test_the_end_arrives_before_finish_returns(server: FakeServer) -> None:
    with init() as exp:
        for step in range(50_000):
            exp.log({"x": 1.0, "y": 2.0}, step)
    assert steps(server, exp.uid) == list(range(50_000))
    assert "finished" in repr(records(server.of(exp.uid))[-1])
    assert len(server.posts) > 1
    eventually(lambda: exp._recording.journal.fd == -1)


def test_an_idle_experiment_gives_signs_of_life(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipper, "SILENCE", 0.05)
    exp = init()
    exp.flush()
    before = len(server.posts)
    eventually(lambda: len([post for post in server.posts[before:] if post[2] == 0]) >= 3)
    assert steps(server, exp.uid) == []


def test_stop_is_heard(server: FakeServer) -> None:
    exp = init()
    exp.flush()
    assert not exp.should_stop
    server.stop = True
    exp.log({"x": 1.0})
    eventually(lambda: exp.should_stop)
    exp.finish()
    assert "stopped" in repr(records(server.of(exp.uid))[-1])


def test_the_true_offset_is_followed(server: FakeServer) -> None:
    exp = init()
    exp.log({"x": 1.0}, 0)
    assert exp.flush()
    journal = exp._recording.journal
    assert journal is not None
    # Somebody else committed further, and a restored backup less far.
    exp.log({"x": 1.0}, 1)
    server.journals[journal.uid][:] = journal.path.read_bytes()
    exp.log({"x": 1.0}, 2)
    assert exp.flush()
    (_, first), *_ = whole_frames(journal.path.read_bytes())
    del server.journals[journal.uid][first:]
    exp.log({"x": 1.0}, 3)
    eventually(lambda: steps(server, exp.uid) == [0, 1, 2, 3])


@pytest.mark.parametrize(
    ("status", "code"), [(500, "error"), (503, "unavailable"), (429, "rate_limited"), (403, "forbidden")]
)
def test_what_passes_is_tried_again(server: FakeServer, status: int, code: str) -> None:
    server.refusals = [(status, code)] * 3
    exp = init()
    exp.log({"x": 1.0}, 0)
    eventually(lambda: server.of_all(exp.uid) and steps(server, exp.uid) == [0])


def test_a_journal_that_the_server_fails_at_hinders_no_other(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, failing = server.commit, init(name="failing")
    problem = {"type": "", "title": "", "status": 500, "code": "internal", "detail": "Something went wrong."}
    assert failing.flush()
    uid = failing._recording.opened.journal
    monkeypatch.setattr(server, "commit", lambda *given: (500, problem) if given[0] == uid else commit(*given))
    failing.log({"x": 1.0}, 0)
    with init(name="other") as other:
        for step in range(100):
            other.log({"x": 1.0}, step)
            time.sleep(0.002)
        assert other.flush(5)
    assert steps(server, other.uid) == list(range(100))
    started = time.monotonic()
    failing.finish()
    assert time.monotonic() - started < 2
    monkeypatch.setattr(server, "commit", commit)
    eventually(lambda: steps(server, failing.uid) == [0])


@pytest.mark.parametrize(("status", "code", "stops"), [(410, "gone", True), (422, "unreadable_journal", False)])
def test_what_is_final_is_one_warning_and_keeps_the_file(
    server: FakeServer, status: int, code: str, stops: bool, caplog: pytest.LogCaptureFixture
) -> None:
    other = init(name="other")
    assert other.flush()
    server.refusals = [(status, code)]
    exp = init(name="refused")
    eventually(lambda: "refused" in caplog.text)
    exp.log({"x": 1.0}, 0)
    assert exp.should_stop == stops
    started = time.monotonic()
    exp.finish()
    assert time.monotonic() - started < 2
    assert len([record for record in caplog.records if "refused" in record.getMessage()]) == 1
    assert [point.step for point in points(exp._recording.journal.path.read_bytes())] == [0]
    other.log({"x": 1.0}, 5)
    assert other.flush()
    assert steps(server, other.uid) == [5]


def test_a_server_elsewhere_with_another_token_is_found(data_dir: Path) -> None:
    first = FakeServer("aip_first")
    first.announce(data_dir)
    exp = init()
    exp.log({"x": 1.0}, 0)
    assert exp.flush()
    second = FakeServer("aip_second")
    second.journals = first.journals
    first.close()
    exp.log({"x": 1.0}, 1)
    time.sleep(0.2)
    second.announce(data_dir)
    eventually(lambda: steps(second, exp.uid) == [0, 1])
    second.close()


def test_a_new_token_is_read_again(server: FakeServer, data_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    exp = init()
    assert exp.flush()
    server.token = "aip_other"
    exp.log({"x": 1.0}, 0)
    eventually(lambda: "Who?" in caplog.text)
    server.announce(data_dir)
    eventually(lambda: steps(server, exp.uid) == [0])


def test_no_server_is_said_once_and_costs_no_time(caplog: pytest.LogCaptureFixture, data_dir: Path) -> None:
    started = time.monotonic()
    exp = init()
    exp.log({"x": 1.0}, 0)
    assert not exp.flush()
    exp.finish()
    assert time.monotonic() - started < 1
    assert caplog.text.count("aiplat sync") == 1
    assert [point.step for point in points(exp._recording.journal.path.read_bytes())] == [0]


def test_a_server_that_comes_later_gets_everything(data_dir: Path) -> None:
    exp = init()
    exp.log({"x": 1.0}, 0)
    time.sleep(0.1)
    server = FakeServer()
    server.announce(data_dir)
    eventually(lambda: server.of_all(exp.uid) and steps(server, exp.uid) == [0])
    server.close()


def test_a_slow_server_does_not_hold_the_end_up(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    commit = server.commit
    monkeypatch.setattr(server, "commit", lambda *given: (release.wait(20), commit(*given))[1])
    monkeypatch.setattr(session, "PATIENCE", 0.3)
    exp = init()
    started = time.monotonic()
    exp.finish()
    assert time.monotonic() - started < 2
    release.set()


def test_frames_larger_than_a_slice(server: FakeServer) -> None:
    exp = init()
    exp.config["blob"] = "x" * (MAX_PAYLOAD - 1000)
    exp.log({"x": 1.0}, 0)
    exp.finish()
    assert steps(server, exp.uid) == [0]


def test_a_proxy_with_a_small_limit(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.ceiling = shipment.SLICE // 3
    exp = init()
    for step in range(60_000):
        exp.log({"x": 1.0}, step)
    exp.finish()
    assert steps(server, exp.uid) == list(range(60_000))


def test_many_experiments_share_one_thread(server: FakeServer) -> None:
    experiments = [init(name=f"e{number}") for number in range(20)]
    for step in range(50):
        for exp in experiments:
            exp.log({"x": 1.0}, step)
    for exp in experiments:
        exp.finish()
    assert all(steps(server, exp.uid) == list(range(50)) for exp in experiments)
    assert len([thread for thread in threading.enumerate() if thread.name == "aiplat-shipper" and thread.is_alive()])
    eventually(lambda: not session.current().shipper._shipments)


def test_files_do_not_pile_up_without_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipper, "MOST_WAITING", 5)
    for _ in range(20):
        init().finish()
    eventually(lambda: len(session.current().shipper._shipments) <= 5)


def test_a_torn_tail_is_not_sent_as_more(server: FakeServer) -> None:
    exp = init()
    exp.log({"x": 1.0}, 0)
    journal = exp._recording.journal
    assert journal is not None
    os.write(journal.fd, b"\x40\x00\x00\x00torn")
    time.sleep(0.2)
    exp.summary["y"] = 1
    exp.log({"x": 1.0}, 1)
    exp.finish()
    assert steps(server, exp.uid) == [0, 1]


def test_http_is_imported_in_the_thread_only(data_dir: Path) -> None:
    code = "import sys, aiplat_jupyter as a; a.init; assert not {'http.client', 'pandas', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
