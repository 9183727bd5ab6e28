import asyncio
import logging
import sqlite3
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from aiplat_jupyter.core.gpu import GpuDevice, Reading
from aiplat_jupyter.core.ports import JobStatus
from aiplat_jupyter.core.records import Identity
from aiplat_jupyter.core.tasks import After, NewTask, Progress, StopTask
from aiplat_jupyter.services import dispatcher as dispatcher_module
from aiplat_jupyter.services import gpus as gpus_module
from aiplat_jupyter.services.bus import Bus
from aiplat_jupyter.services.gpus import Gpus
from aiplat_jupyter.store import agents, queue
from aiplat_jupyter.store.database import Database
from aiplat_jupyter.store.tables import AgentRow, ChangeRow, GpuLeaseRow, TaskRow
from tests.services.people import ADA
from tests.services.yard import Machine, Yard


@pytest.fixture
def yard(database: Database, tmp_path: Path) -> Yard:
    return Yard(database, tmp_path)


def test_a_task_runs_to_its_end(yard: Yard) -> None:
    task = yard.queue(env={"EPOCHS": "3"})
    yard.round()
    [launch] = yard.machine.launches
    assert (launch.key, launch.env) == (task.attempt, {"EPOCHS": "3", "CUDA_VISIBLE_DEVICES": ""})
    assert launch.directory == str(yard.folder / "tasks" / task.uid / "1")
    assert yard.get(task).state == "starting"
    yard.round()
    running = yard.get(task)
    assert (running.state, running.started_at, running.lineage[0].pid) == ("running", 1_000.0, 1)
    yard.end(task)
    yard.round()
    ended = yard.get(task)
    assert (ended.state, ended.exit_code, ended.ended_at, ended.reason) == ("succeeded", 0, 1_001.0, "")
    assert len(yard.machine.launches) == 1


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({"reason": "exit", "detail": "7", "exit_code": 7}, ("failed", "exit", "7", 7, None)),
        ({"reason": "signal", "detail": "SIGBUS", "signal": "SIGBUS"}, ("failed", "signal", "SIGBUS", None, "SIGBUS")),
        ({"reason": "memory", "signal": "SIGKILL"}, ("failed", "memory", "", None, "SIGKILL")),
        ({"reason": "timeout", "detail": "5 s", "exit_code": 0}, ("timed_out", "timeout", "5 s", 0, None)),
        ({"reason": "not_started", "detail": "no x"}, ("failed", "not_started", "no x", None, None)),
        ({"reason": "stopped", "exit_code": 0}, ("cancelled", "stopped", "", 0, None)),
    ],
)
def test_how_tasks_end(yard: Yard, how, expected) -> None:
    task = yard.queue()
    yard.round()
    yard.end(task, **how)
    yard.round()
    found = yard.get(task)
    assert (found.state, found.reason, found.detail, found.exit_code, found.signal) == expected
    assert found.lineage[0].started_at == 1_000.0


def test_what_nobody_knows_any_more_is_lost(yard: Yard) -> None:
    gone, rebooted = yard.queue(), yard.queue(retries=3)
    yard.round(2)
    del yard.machine.statuses[gone.attempt]
    yard.machine.statuses[rebooted.attempt] = JobStatus(state="lost", reason="rebooted")
    yard.round()
    assert (yard.get(gone).state, yard.why(gone)) == ("lost", ("unsupervised", ""))
    assert (yard.get(rebooted).state, yard.why(rebooted)) == ("lost", ("rebooted", ""))


def test_a_job_without_its_supervisor_says_so_while_it_runs(yard: Yard) -> None:
    task = yard.queue()
    yard.round(2)
    yard.machine.statuses[task.attempt] = JobStatus(state="running", pid=1, started_at=1_000.0, is_supervised=False)
    yard.round()
    alone = yard.get(task)
    assert (alone.state, alone.reason, alone.lineage[0].reason) == ("running", "unattended", "unattended")
    told = yard.database.read_now(lambda tx: tx.execute(select(func.max(ChangeRow.id))).scalar())
    yard.round(3)
    assert yard.database.read_now(lambda tx: tx.execute(select(func.max(ChangeRow.id))).scalar()) == told, "once"
    yard.machine.statuses[task.attempt] = JobStatus(state="lost", reason="unsupervised", is_supervised=False)
    yard.round()
    assert (yard.get(task).state, yard.why(task)) == ("lost", ("unsupervised", ""))


def test_the_order_is_priority_then_place(yard: Yard) -> None:
    for name, priority in (("a", 0), ("b", 5), ("c", 5), ("d", 0), ("e", 0), ("f", 1)):
        yard.queue(command=[name], priority=priority)
    yard.round()
    assert [launch.argv[0] for launch in yard.machine.launches] == ["b", "c", "f", "a"]
    waiting = yard.states()
    assert (waiting["d"], waiting["e"]) == ("queued", "queued")


def test_slots_are_shared_and_reasons_told_once(yard: Yard) -> None:
    big, small, blocked = yard.queue(slots=3), yard.queue(slots=2), yard.queue(slots=2)
    tiny = yard.queue()
    yard.round()
    assert [yard.get(one).state for one in (big, small, blocked, tiny)] == ["starting", "queued", "queued", "starting"]
    assert yard.why(small) == ("slots", "4/4")
    yard.round()
    told = yard.database.read_now(lambda tx: tx.execute(select(func.max(ChangeRow.id))).scalar())
    yard.round(3)
    assert yard.database.read_now(lambda tx: tx.execute(select(func.max(ChangeRow.id))).scalar()) == told
    [agent] = yard.agents.list(ADA)
    assert (agent.slots_taken, agent.is_alive) == (4, True)
    yard.end(big)
    yard.round()
    assert (yard.get(small).state, yard.get(blocked).state) == ("starting", "queued")


def test_a_task_that_small_ones_overtook_for_long_is_next(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    running = yard.queue(slots=2)
    big = yard.queue(name="big", slots=4)
    yard.queue(slots=1)
    yard.round()
    assert len(yard.machine.launches) == 2
    monkeypatch.setattr(dispatcher_module, "PATIENCE", 0.0)
    later = yard.queue(slots=1)
    yard.round(2)
    assert yard.get(later).state == "queued"
    assert yard.why(later) == ("after", "big")
    assert yard.why(big) == ("slots", "3/4")
    for attempt in list(yard.machine.statuses):
        yard.machine.end(attempt, exit_code=0)
    yard.round()
    assert (yard.get(running).state, yard.get(big).state, yard.get(later).state) == ("succeeded", "starting", "queued")


def test_what_can_never_fit_holds_nobody_up(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher_module, "PATIENCE", 0.0)
    impossible = yard.queue(gpus=2)  # before anybody knew that there is one
    yard.see(0)
    yard.round(2)
    small = yard.queue()
    yard.round(2)
    assert yard.why(impossible) == ("gpus", "1/2")
    assert yard.get(small).state == "running"


def test_gpus_are_leased_by_uuid(yard: Yard) -> None:
    yard.see(0, 2_000, 0)
    one, two, three = yard.queue(gpus=1), yard.queue(gpus=1), yard.queue(gpus=2)
    yard.round()
    assert [launch.env["CUDA_VISIBLE_DEVICES"] for launch in yard.machine.launches] == ["GPU-0", "GPU-2"]
    assert yard.why(three) == ("gpus", "0/2")
    [agent] = yard.agents.list(ADA)
    assert [(gpu.uuid, gpu.task) for gpu in agent.gpus] == [("GPU-0", one.uid), ("GPU-1", None), ("GPU-2", two.uid)]
    yard.end(one)
    yard.round()
    assert yard.get(one).lineage[0].gpus == ["GPU-0"]
    assert yard.why(three) == ("gpus_busy", "1/2")  # with the one that others use there would be two
    yard.end(two, reason="exit", exit_code=1)
    yard.round()
    assert yard.machine.launches[-1].env["CUDA_VISIBLE_DEVICES"] == "GPU-0,GPU-2"
    with pytest.raises(Exception, match="cannot run") as caught:
        yard.queue(gpus=4)
    assert caught.value.fields == {"gpus": "at most 3: the machine has no more"}


def test_accounts_of_a_machine_share_its_gpus(yard: Yard) -> None:
    other = yard.another_account("eve")
    for one in (yard, other):
        one.see(0, 0)
    mine, theirs = yard.queue(gpus=1), other.queue(gpus=2)
    yard.round(2)
    other.round()
    assert (yard.get(mine).state, other.why(theirs)) == ("running", ("gpus", "1/2"))
    yard.end(mine)
    yard.round()
    other.round()
    assert other.get(theirs).state == "starting"
    late = yard.queue(gpus=1)
    yard.round()
    assert yard.why(late) == ("gpus", "0/1")
    yard.database.write_now(lambda tx: agents.change(tx, other.agent.id, {"seen_at": time.time() - 120}))
    yard.round()
    assert yard.get(late).state == "starting", "its server is gone, and nothing uses the GPU"


def test_no_gpu_is_given_while_the_driver_is_silent(yard: Yard) -> None:
    task = yard.queue(gpus=1)
    yard.round()
    assert (yard.get(task).state, yard.machine.launches) == ("queued", [])
    assert yard.queue(gpus=64).state == "queued"  # nobody knows yet that there are fewer


def test_a_driver_that_hangs_hinders_no_other_task(yard: Yard) -> None:
    yard.see(0)
    yard.tell([], "driver_stalled")
    small = yard.queue()
    yard.round(2)
    assert (yard.get(small).state, yard.gpus.count()) == ("running", 1)  # what is known of GPUs stays known


def test_a_gpu_is_given_only_while_it_is_known_to_be_free(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    yard.see(0)
    monkeypatch.setattr(gpus_module, "_USABLE_SECONDS", 0.0)
    task = yard.queue(gpus=1)
    yard.round()
    assert yard.get(task).state == "queued"
    monkeypatch.undo()
    yard.round()
    assert yard.get(task).state == "starting"


def test_tasks_get_the_instances_of_a_gpu_that_is_split_and_none_that_is_lost(yard: Yard) -> None:
    whole = GpuDevice(uuid="GPU-0", index=0, name="H200")
    part = GpuDevice(uuid="MIG-1", index=0, name="H200 MIG", parent="GPU-0", memory_used=Reading(0.0))
    yard.tell([whole, part, GpuDevice(uuid="GPU-2", index=1, name="H200", state="lost")])
    first, second = yard.queue(gpus=1), yard.queue(gpus=1)
    yard.round()
    assert [launch.env["CUDA_VISIBLE_DEVICES"] for launch in yard.machine.launches] == ["MIG-1"]
    assert (yard.get(first).state, yard.why(second)) == ("starting", ("gpus", "0/1"))


def test_the_dispatcher_is_woken_when_a_gpu_becomes_free(yard: Yard) -> None:
    woken: list[None] = []
    yard.gpus = Gpus(500, lambda: woken.append(None))
    for used in (2_000, 2_100, 0, 10):
        yard.see(used)
    assert len(woken) == 2  # when it was first seen, and when it was free


def test_dependencies(yard: Yard) -> None:
    first = yard.queue(name="first")
    then = yard.queue(name="then", after=[After(task=first.uid)])
    never = yard.queue(name="never", after=[After(task=first.uid, on="failed")])
    last = yard.queue(name="last", after=[After(task=then.uid), After(task=never.uid, on="any")])
    yard.round(2)
    assert [yard.get(one).state for one in (first, then, never, last)] == ["running", "queued", "queued", "queued"]
    assert yard.why(then) == ("after", "first")
    assert yard.why(last)[0] == "after"
    yard.end(first)
    yard.round()
    assert [yard.get(one).state for one in (then, never, last)] == ["starting", "cancelled", "queued"]
    assert yard.why(never) == ("dependency", "first")
    yard.end(then)
    yard.round()
    assert yard.get(last).state == "starting"


def test_a_task_that_will_be_retried_has_not_failed_yet(yard: Yard) -> None:
    task = yard.queue(retries=2, retry_wait_s=3_000)
    after = yard.queue(after=[After(task=task.uid)])
    yard.round()
    yard.end(task, reason="exit", detail="1", exit_code=1)
    before = time.time()
    yard.round()
    found = yard.get(task)
    assert (found.state, found.reason, found.attempts) == ("queued", "backoff", 2)
    assert [(one.number, one.state, one.reason) for one in found.lineage] == [(1, "failed", "exit"), (2, "queued", "")]
    assert found.detail.endswith("Z")
    assert yard.get(after).state == "queued"

    def due(tx) -> float:
        return tx.execute(select(TaskRow.not_before).where(TaskRow.uid == task.uid)).scalar_one()

    assert before + 3_000 <= yard.database.read_now(due) <= time.time() + 3_000
    yard.round()
    assert len(yard.machine.launches) == 1
    for wait in (6_000, 0):  # twice as long is more than an hour
        yard.database.write_now(lambda tx: tx.execute(update(TaskRow).values(not_before=0.0)))
        yard.round()
        yard.end(task, reason="timeout", detail="1 s")
        yard.round()
        if wait:
            assert time.time() + 3_590 <= yard.database.read_now(due) <= time.time() + 3_600
    found = yard.get(task)
    assert (found.state, found.attempts) == ("timed_out", 3)
    assert len({launch.key for launch in yard.machine.launches}) == 3
    assert (yard.get(after).state, yard.get(after).reason) == ("cancelled", "dependency")


def test_a_clock_that_was_set_back_puts_no_retry_off(yard: Yard) -> None:
    task = yard.queue(retries=1, retry_wait_s=1)
    yard.round()
    yard.end(task, reason="exit", detail="1", exit_code=1)
    yard.round()
    yard.database.write_now(lambda tx: tx.execute(update(TaskRow).values(not_before=time.time() + 86_400)))
    yard.round()
    assert len(yard.machine.launches) == 2


def test_lost_is_retried_only_where_that_is_right(yard: Yard) -> None:
    once, again = yard.queue(retries=1), yard.queue(retries=1, rerun_lost=True, retry_wait_s=0)
    yard.round(2)
    for task in (once, again):
        yard.machine.statuses[task.attempt] = JobStatus(state="lost", reason="unsupervised")
    yard.round()
    assert (yard.get(once).state, yard.get(again).state, yard.get(again).attempts) == ("lost", "starting", 2)


def test_stop_asks_then_kills(yard: Yard) -> None:
    task = yard.queue(retries=3)
    yard.round(2)
    yard.machine.stop = lambda job, *, now=False: yard.machine.stops.append((job.key, now))  # it does not listen
    assert yard.tasks.stop(ADA, task.uid, StopTask()).stop_requested
    yard.round(2)
    assert (yard.machine.stops, yard.get(task).state) == ([(task.attempt, False)], "stopping")
    yard.tasks.stop(ADA, task.uid, StopTask())
    yard.round(2)
    assert yard.machine.stops == [(task.attempt, False), (task.attempt, True)]
    yard.machine.end(task.attempt, reason="stopped", signal="SIGKILL")
    yard.round()
    found = yard.get(task)
    assert (found.state, found.reason, found.detail, found.signal) == ("cancelled", "stopped", "ada", "SIGKILL")
    assert found.attempts == 1  # what was stopped is not retried


def test_a_task_that_was_stopped_before_it_was_handed_over_never_starts(yard: Yard) -> None:
    task = yard.queue()
    yard.machine.is_away = True
    yard.round()
    assert yard.get(task).state == "starting"
    yard.tasks.stop(ADA, task.uid, StopTask(now=True))
    yard.round()
    assert yard.get(task).state == "starting"
    yard.machine.is_away = False
    yard.round()
    assert (yard.get(task).state, yard.machine.launches) == ("cancelled", [])


def test_an_executor_that_is_away_is_asked_again(yard: Yard, caplog: pytest.LogCaptureFixture) -> None:
    task = yard.queue()
    yard.machine.is_away = True
    yard.round(2)
    assert (yard.get(task).state, yard.machine.launches) == ("starting", [])
    yard.machine.is_away = False
    yard.round(2)
    assert (yard.get(task).state, len(yard.machine.launches)) == ("running", 1)
    assert "does not answer" in caplog.text


def test_what_cannot_be_started_fails_for_good(yard: Yard) -> None:
    yard.machine.refuses = "no such folder"
    task = yard.queue(retries=3)
    yard.round()
    assert (yard.get(task).state, yard.why(task)) == ("failed", ("not_started", "no such folder"))


def test_a_server_that_died_between_writing_and_starting(yard: Yard) -> None:
    task = yard.queue()
    lose, yard.machine.submit = yard.machine.submit, lambda launch: None  # the order never arrives
    yard.round()
    yard.machine.submit = lose
    yard.dispatcher = yard.another_dispatcher()
    yard.database.write_now(lambda tx: tx.execute(update(AgentRow).values(dispatcher=None)))
    yard.round(2)
    assert yard.get(task).state == "running"
    assert [launch.key for launch in yard.machine.launches] == [task.attempt]


def test_only_the_holder_of_the_lease_dispatches(yard: Yard) -> None:
    first, second = yard.dispatcher, yard.another_dispatcher()
    asyncio.run(first.round())
    task = yard.queue()
    asyncio.run(second.round())
    assert yard.get(task).state == "queued"
    yard.database.write_now(lambda tx: tx.execute(update(AgentRow).values(lease_until=time.time() - 1)))
    asyncio.run(second.round())
    assert (yard.get(task).state, second.running) == ("starting", 1)
    yard.queue()
    with pytest.raises(dispatcher_module._Deposed):  # it still believes that it may
        asyncio.run(first.round())
    assert len(yard.machine.launches) == 1


def test_a_lease_that_ends_too_far_ahead_is_none(yard: Yard) -> None:
    ahead = {"dispatcher": "other", "lease_until": time.time() + 3_600}
    yard.database.write_now(lambda tx: agents.change(tx, yard.agent.id, ahead))
    task = yard.queue()
    yard.round()
    assert yard.get(task).state == "starting"


def test_a_queue_that_is_paused_starts_nothing(yard: Yard) -> None:
    running = yard.queue()
    yard.round()
    yard.agents.pause(ADA, yard.agent.uid)
    task = yard.queue()
    yard.round()
    assert (yard.get(running).state, yard.get(task).state, yard.why(task)) == ("running", "queued", ("paused", ""))
    yard.agents.resume(ADA, yard.agent.uid)
    yard.round()
    assert (yard.get(task).state, yard.why(task)) == ("starting", ("", ""))


def test_jobs_that_nobody_knows_are_shown_and_left_alone(yard: Yard, caplog: pytest.LogCaptureFixture) -> None:
    yard.machine.statuses["stranger"] = JobStatus(state="running", pid=7)
    yard.machine.statuses["past"] = JobStatus(state="ended", exit_code=0)
    yard.round()
    [agent] = yard.agents.list(ADA)
    assert agent.unknown == [str(yard.folder / "tasks" / "stranger")]
    assert "stranger" in caplog.text
    assert yard.machine.stops == []


@pytest.mark.parametrize("is_another", [True, False])
def test_what_runs_where_nobody_is_can_be_given_up(
    yard: Yard, monkeypatch: pytest.MonkeyPatch, is_another: bool
) -> None:
    monkeypatch.setattr(dispatcher_module, "RENEW_SECONDS", 0.0)
    yard.see(0)
    task = yard.queue(gpus=1, retries=3, rerun_lost=True)
    yard.round(2)
    gone = {"seen_at": time.time() - 120, "lease_until": time.time() - 100}
    yard.database.write_now(lambda tx: agents.change(tx, yard.agent.id, gone))
    assert yard.tasks.stop(ADA, task.uid, StopTask()).state == "running"
    given_up = yard.tasks.stop(ADA, task.uid, StopTask())
    assert (given_up.state, given_up.reason, given_up.detail) == ("lost", "no_agent", "here")
    [agent] = yard.agents.list(ADA)
    assert (agent.slots_taken, agent.gpus[0].task) == (0, None)
    assert yard.machine.stops == []
    yard.dispatcher = yard.another_dispatcher() if is_another else yard.dispatcher
    yard.round(2)
    assert yard.machine.stops == [(task.attempt, True)], "as soon as the agent is back"
    assert yard.get(task).state == "lost"


def test_progress_of_the_job_is_kept(yard: Yard) -> None:
    task = yard.queue()
    yard.round(2)
    running = {"state": "running", "pid": 1, "started_at": 1_000.0}
    yard.machine.statuses[task.attempt] = JobStatus(**running, progress=Progress(done=3, total=10, text="cell 3"))
    yard.round()
    assert yard.get(task).progress == Progress(done=3, total=10, text="cell 3")


def test_an_executor_with_a_queue_of_its_own_assigns_gpus_itself(database: Database, tmp_path: Path) -> None:
    yard = Yard(database, tmp_path, Machine(has_own_queue=True))
    task = yard.queue(gpus=8)
    yard.round()
    assert yard.get(task).state == "starting"
    assert yard.database.read_now(lambda tx: tx.execute(select(GpuLeaseRow.id)).all()) == []


def test_the_first_of_many_are_told_why(yard: Yard) -> None:
    def many(tx) -> None:
        for number in range(250):
            new = NewTask(project="digits", kind="command", command=["x"], name=f"t{number:03}")
            yard.service._create(tx, ADA, new, f"t{number:03}", None)

    yard.database.write_now(many)
    yard.round()
    assert len(yard.machine.launches) == 4
    assert yard.tasks.get(ADA, "t150").reason == "slots"
    first = yard.tasks.get(ADA, "t000")
    for number in range(5, 250):  # those behind the first 200 start as well when these cannot
        yard.database.write_now(
            lambda tx, number=number: tx.execute(
                update(TaskRow).where(TaskRow.uid == f"t{number:03}").values(slots=4 if number < 249 else 1)
            )
        )
    yard.database.write_now(lambda tx: tx.execute(update(TaskRow).where(TaskRow.uid == "t004").values(slots=4)))
    yard.end(first)
    yard.round()
    assert yard.tasks.get(ADA, "t249").state == "starting"


def test_a_task_with_gpus_waits_for_none_that_wait_for_others(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "_FRONT", queue._QUEUED.limit(2))
    yard.see(0, 0)
    first = yard.queue()
    for _ in range(3):
        yard.queue(after=[After(task=first.uid)])
    last = yard.queue(gpus=1)
    yard.round(2)
    assert [yard.get(one).state for one in (first, last)] == ["running", "running"]


def test_it_runs_by_itself(yard: Yard, sqlite_url: str) -> None:
    async def go() -> None:
        async with Bus(yard.database) as bus:
            yard.dispatcher._bus = bus
            async with yard.dispatcher:
                await asyncio.sleep(0.2)
                new = NewTask(project="digits", kind="command", command=["x"])
                task, _ = await yard.service.create(ADA, new)
                begun = time.monotonic()
                while not yard.machine.launches:
                    assert time.monotonic() - begun < 3  # well before the next look of its own accord
                    await asyncio.sleep(0.01)
                await yard.service.stop(ADA, task.uid, StopTask())
                while (await yard.service.get(ADA, task.uid)).state != "cancelled":
                    assert time.monotonic() - begun < 10
                    await asyncio.sleep(0.02)

    asyncio.run(go())
    [agent] = yard.agents.list(Identity(username="x"))
    assert not agent.is_alive  # the lease was given back


def test_tasks_may_be_stopped_with_the_server(yard: Yard) -> None:
    async def go(*, stop_at_end: bool) -> None:
        async with Bus(yard.database) as bus:
            yard.gpus = Gpus(500, lambda: None)
            yard.dispatcher = yard.another_dispatcher(stop_at_end=stop_at_end)
            yard.dispatcher._bus = bus
            async with yard.dispatcher:
                while not yard.dispatcher.running:
                    await asyncio.sleep(0.01)

    task = yard.queue()
    asyncio.run(go(stop_at_end=False))
    assert yard.machine.stops == []
    asyncio.run(go(stop_at_end=True))
    assert yard.machine.stops == [(task.attempt, False)]
    assert yard.get(task).state == "stopping"
    yard.dispatcher = yard.another_dispatcher()
    yard.round()
    assert (yard.get(task).state, yard.get(task).detail) == ("cancelled", "the end of the server")


def test_a_locked_database_is_waited_for(tmp_path: Path, sqlite_url: str, caplog: pytest.LogCaptureFixture) -> None:
    yard = Yard(Database.open(sqlite_url), tmp_path)
    task = yard.queue()
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with caplog.at_level(logging.WARNING):
        asyncio.run(yard.dispatcher._safe_round())
    assert "trying again" in caplog.text
    assert yard.machine.launches == []
    other.execute("ROLLBACK")
    other.close()
    yard.round(2)
    assert (yard.get(task).state, len(yard.machine.launches)) == ("running", 1)
    yard.database.close()


def test_the_lease_of_a_killed_server_is_taken_at_once(yard: Yard) -> None:
    asyncio.run(yard.dispatcher.round())
    killed = yard.dispatcher._word
    task = yard.queue()
    second = yard.another_dispatcher()
    with yard.dispatcher._claims.held(killed):
        asyncio.run(second.round())
        assert yard.get(task).state == "queued"
    (yard.folder / "claims" / f"{killed}.lock").touch()  # what is left when it has no time to remove it
    asyncio.run(second.round())
    assert yard.get(task).state == "starting"
    assert list((yard.folder / "claims").iterdir()) == []
