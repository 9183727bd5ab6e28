"""The monitor of GPUs: who is told what, how often it looks, what it keeps."""

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from sqlalchemy import func, select, update

from aiplat_jupyter.core.errors import Forbidden, InvalidInput, NotFound
from aiplat_jupyter.core.frames import Process
from aiplat_jupyter.core.gpu import (
    Ancestor,
    GpuDevice,
    GpuHistory,
    GpuHistoryQuery,
    GpuProcess,
    GpuQuery,
    GpuStatus,
    Host,
    Reading,
    Sample,
)
from aiplat_jupyter.core.records import Identity
from aiplat_jupyter.services import gpu_monitor
from aiplat_jupyter.services.attribution import Attribution
from aiplat_jupyter.services.bus import Bus
from aiplat_jupyter.services.gpu_monitor import GpuMonitor, Keeping
from aiplat_jupyter.services.kernels import Kernels, RunningKernel
from aiplat_jupyter.store import agents, gpu_statuses
from aiplat_jupyter.store import gpu_history as rows
from aiplat_jupyter.store.database import Database
from aiplat_jupyter.store.tables import GpuHistoryRow, GpuStatusRow
from tests.services.frames import opening
from tests.services.house import House as Desk
from tests.services.people import ADA, ADMIN, EVE
from tests.services.yard import Yard

GIB = 2.0**30
NOW = 1_790_000_000


def device(number: int = 0, **facts: Any) -> GpuDevice:
    told = {"utilization": Reading(50.0), "memory_used": Reading(GIB), "memory_total": Reading(80 * GIB)}
    told |= {"temperature": Reading(40.0), "power": Reading(None, "not_supported")}
    return GpuDevice(uuid=f"GPU-{number}", index=number, name="H200", **{**told, **facts})


def sample(at: float, *devices: GpuDevice, interval: float = 1.0, **more: Any) -> Sample:
    facts = {
        "cores": 2,
        "memory_total": 2**34,
        "disk_used": Reading(2.0**30),
        "disk_total": Reading(2.0**40),
        "load": 1.0,
    }
    host = Host(cpu=25.0, memory_used=2**33, **facts)
    return Sample(state="ok", at=at, interval=interval, devices=list(devices), system=host, **more)


class House:
    """A monitor on a database, driven by hand."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.agent = database.write_now(lambda tx: agents.enlist(tx, "here", "ada", 4))
        self.kernels = Kernels()
        self.orders: list[tuple[float, bool]] = []
        self.is_leading = True
        self.seen: list[GpuStatus] = []
        self.each: list[Callable[[GpuStatus], Awaitable[None]]] = [self._see]
        self.keeping = Keeping(fine_hours=1e6, days=0)  # the tests' time is long past

    async def _see(self, status: GpuStatus) -> None:
        self.seen.append(status)

    def monitor(self, bus: Bus) -> GpuMonitor:
        return GpuMonitor(
            self.database,
            bus,
            self.agent,
            Attribution(self.database, self.kernels, "here", "boot"),
            order=lambda interval, details: self.orders.append((interval, details)),
            is_leading=lambda: self.is_leading,
            each_sample=self.each,
            keeping=self.keeping,
        )

    def run(self, act: Callable[[GpuMonitor], Awaitable[Any]]) -> Any:
        """Do something with a monitor that runs."""

        async def go() -> Any:
            async with Bus(self.database) as bus, self.monitor(bus) as monitor:
                self.bus = bus
                return await act(monitor)

        return asyncio.run(go())

    async def feed(self, monitor: GpuMonitor, *samples: Sample) -> None:
        """Let the monitor see samples, and deal with each."""
        for one in samples:
            await monitor.observe(one)
            await self.rest(monitor)

    async def rest(self, monitor: GpuMonitor) -> None:
        """Wait until the monitor's task has dealt with all it was told, and waits for more."""
        while monitor._news.is_set() or not monitor._news._waiters:
            await asyncio.sleep(0.001)

    def rows(self) -> dict[int, int]:
        """Return how many rows there are of each length."""
        asked = select(GpuHistoryRow.seconds, func.count()).group_by(GpuHistoryRow.seconds)
        return {row[0]: row[1] for row in self.database.read_now(lambda tx: tx.execute(asked).all())}


@pytest.fixture
def house(database: Database) -> House:
    return House(database)


def test_the_newest_sample_is_told(house: House) -> None:
    async def act(monitor: GpuMonitor) -> None:
        assert monitor.latest is None
        await house.feed(monitor, sample(NOW, device()), sample(NOW + 1, device(utilization=Reading(60.0))))
        status = await monitor.status(ADA, GpuQuery())
        assert status == monitor.latest == house.seen[-1]
        assert (status.host, status.username, status.agent, status.is_own) == ("here", "ada", house.agent.uid, True)
        assert (status.total, status.devices[0].utilization, status.at) == (1, Reading(60.0), NOW + 1)
        with pytest.raises(Forbidden):
            await monitor.status(Identity(username="ada", scopes=frozenset()), GpuQuery())
        with pytest.raises(NotFound):
            await monitor.status(ADA, GpuQuery(agent="nobody"))

    house.run(act)


def test_before_the_first_sample_it_is_starting(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(monitor: GpuMonitor) -> None:
        asking = asyncio.create_task(monitor.status(ADA, GpuQuery()))
        await asyncio.sleep(0.01)
        await monitor.observe(sample(NOW, device()))
        assert (await asking).state == "ok"  # whoever asks a moment too early waits a moment

    house.run(act)

    async def late(monitor: GpuMonitor) -> None:
        real = asyncio.timeout
        monkeypatch.setattr(gpu_monitor.asyncio, "timeout", lambda _: real(0.01))
        assert (await monitor.status(ADA, GpuQuery())).state == "starting"
        monkeypatch.undo()

    house.run(late)


def test_watchers_decide_how_often_it_looks(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_monitor, "LINGER_SECONDS", 0.05)

    async def act(monitor: GpuMonitor) -> None:
        async with house.bus.subscribe(ADA, ["projects"]):
            assert house.orders == []
        async with house.bus.subscribe(ADA, ["gpu"]), house.bus.subscribe(ADA, ["gpu"]):
            assert house.orders == [(1.0, False)]
        assert house.orders == [(1.0, False), (10.0, False)]
        await monitor.observe(sample(NOW))
        await monitor.status(ADA, GpuQuery(details=True))
        assert house.orders[2:] == [(1.0, True)]
        await asyncio.sleep(0.06)
        await monitor.observe(sample(NOW + 1))
        assert house.orders[3:] == [(10.0, False)]

    house.run(act)


def test_who_watches_is_told_of_each_sample_without_a_number(house: House) -> None:
    async def act(monitor: GpuMonitor) -> None:
        async with house.bus.subscribe(ADA, ["gpu"]) as one, house.bus.subscribe(ADA) as other:
            await monitor.observe(sample(NOW))
            await monitor.observe(sample(NOW + 1))
            change = await anext(one)
            assert (change.topic, change.kind, change.uid, change.seq) == ("gpu", "sampled", house.agent.uid, 0)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(one), 0.02)  # a slow reader is told of the newest only
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(other), 0.02)

    house.run(act)


def test_an_event_is_encoded_once_for_all_who_see_the_same(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(monitor: GpuMonitor) -> None:
        await monitor.observe(sample(NOW, device()))
        mine = [await monitor.event(Identity(username=f"admin{number}", is_admin=True)) for number in range(50)]
        assert all(each is mine[0] for each in mine)
        others = [await monitor.event(Identity(username=f"user{number}")) for number in range(50)]
        assert all(each is others[0] for each in others)
        assert msgspec.json.decode(mine[0], type=GpuStatus) == monitor.latest
        await monitor.observe(sample(NOW + 1, device()))
        assert await monitor.event(ADMIN) is not mine[0]

    house.run(act)


@pytest.fixture
def yard(database: Database, tmp_path: Path) -> Yard:
    return Yard(database, tmp_path)


def held(house: House, yard: Yard) -> tuple[Sample, str]:
    """Let a task of ada's project hold GPU 0, and its process and a kernel's child use it."""
    yard.see(0)
    task = yard.queue(gpus=1, name="train")
    yard.round(2)
    kernel = RunningKernel(70, "kernel-1", "deep/train.ipynb")

    async def running() -> list[RunningKernel]:
        return [kernel]

    house.kernels.running = running
    lineages = {
        11: [Ancestor(11, 1_000.0), Ancestor(1, 1_000.0)],  # the machine's executor says that jobs are pid 1
        71: [Ancestor(71, 5_000.0), Ancestor(70, 4_000.0)],
        80: [Ancestor(80, 9_000.0), Ancestor(1, 9_000.0)],  # below another process that was pid 1 later
    }
    processes = [GpuProcess(pid=pid, memory=Reading(GIB), name="python") for pid in lineages]
    return sample(NOW, device(processes=processes), lineages=lineages), task.uid


def test_processes_and_leases_are_attributed(house: House, yard: Yard) -> None:
    told, task = held(house, yard)

    async def act(monitor: GpuMonitor) -> None:
        await monitor.observe(told)
        [gpu] = (await monitor.status(ADMIN, GpuQuery())).devices
        assert gpu.lease is not None
        assert (gpu.lease.task, gpu.lease.task_name) == (task, "train")
        job, worker, stranger = (process.holder for process in gpu.processes)
        assert job == gpu.lease
        assert worker is not None
        assert (worker.kernel, worker.notebook, worker.task) == ("kernel-1", "deep/train.ipynb", None)
        assert stranger is None

    house.run(act)


def test_a_task_of_another_account_of_the_machine_is_named(house: House, yard: Yard) -> None:
    told, task = held(house, yard.another_account("bob"))

    async def act(monitor: GpuMonitor) -> None:
        await monitor.observe(told)
        [gpu] = (await monitor.status(ADMIN, GpuQuery())).devices
        assert gpu.lease is not None
        assert gpu.lease.task == task
        assert gpu.processes[0].holder == gpu.lease

    house.run(act)


def test_what_one_may_not_see_is_hidden(house: House, yard: Yard) -> None:
    told, _ = held(house, yard)

    async def act(monitor: GpuMonitor) -> None:
        await monitor.observe(told)
        [gpu] = (await monitor.status(EVE, GpuQuery())).devices
        assert gpu.lease is not None
        assert gpu.lease.is_hidden
        assert [process.holder for process in gpu.processes] == [gpu.lease, gpu.lease, None]
        assert json.loads(await monitor.event(EVE))["devices"][0]["lease"]["task"] is None
        assert "train" not in (await monitor.event(EVE)).decode()
        assert "train" in (await monitor.event(ADA)).decode()

    house.run(act)


def test_of_several_projects_each_member_sees_their_own(house: House, yard: Yard) -> None:
    yard.see(0, 0)
    yard.queue(ADA, gpus=1, name="secret-train")
    yard.queue(EVE, gpus=1, name="eves-run", project="eves")
    yard.round(2)

    async def act(monitor: GpuMonitor) -> None:
        await monitor.observe(sample(NOW, device(0), device(1)))
        for who, own, others in ((EVE, "eves-run", "secret-train"), (ADA, "secret-train", "eves-run")):
            leases = [gpu.lease for gpu in (await monitor.status(who, GpuQuery())).devices if gpu.lease]
            assert sorted((lease.is_hidden, lease.task_name or "") for lease in leases) == [(False, own), (True, "")]
            told = (await monitor.event(who)).decode()
            assert own in told
            assert others not in told

    house.run(act)


def test_what_a_process_works_for_is_of_one_project(house: House, yard: Yard, tmp_path: Path) -> None:
    told, _ = held(house, yard)
    here = Process(machine="here", boot_id="boot", pid=11, start_time=1_000.0)
    journals = Desk(house.database, tmp_path).journals
    journals.append(EVE, "j1", 0, opening("j1", "x1", project="eves", name="eves-run", process=here))

    async def act(monitor: GpuMonitor) -> None:
        await monitor.observe(told)
        [gpu] = (await monitor.status(EVE, GpuQuery())).devices
        job = gpu.processes[0].holder
        assert job is not None
        assert (job.experiment_name, job.task, job.task_name) == ("eves-run", None, None)

    house.run(act)


def test_a_kernel_of_the_account_is_seen_by_it_without_a_project(house: House, yard: Yard) -> None:
    told, _ = held(house, yard)

    async def act(monitor: GpuMonitor) -> None:
        await monitor.observe(told)
        account = Identity(username="ada")
        [gpu] = (await monitor.status(account, GpuQuery())).devices
        assert gpu.processes[1].holder is not None
        assert gpu.processes[1].holder.notebook == "deep/train.ipynb"

    house.run(act)


def test_gpus_are_told_when_nobody_can_say_for_whom(house: House, caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> list[RunningKernel]:
        raise RuntimeError("kernels")

    house.kernels.running = fail

    async def act(monitor: GpuMonitor) -> None:
        await monitor.observe(sample(NOW, device()))
        assert (await monitor.status(ADA, GpuQuery())).devices[0].utilization == Reading(50.0)

    house.run(act)
    assert "for whom" in caplog.text


LOST = replace(device(state="lost"), uuid="GPU-nameless", name="NVIDIA GPU")


def test_a_gpu_that_was_lost_before_the_start_is_the_one_that_is_missing(house: House) -> None:
    async def before(monitor: GpuMonitor) -> None:
        await house.feed(monitor, sample(1_000_000.0, device(0), device(1)), sample(1_000_010.0, device(0), device(1)))

    async def after(monitor: GpuMonitor) -> None:
        await house.feed(monitor, replace(sample(1_000_020.0), state="starting"))
        for at in (1_000_021.0, 1_000_022.0):
            status = await monitor.observe(sample(at, device(1), LOST))
            assert [(gpu.uuid, gpu.name, gpu.state) for gpu in status.devices] == [
                ("GPU-1", "H200", "ok"),
                ("GPU-0", "H200", "lost"),
            ]

    house.run(before)
    house.run(after)


def test_a_lost_gpu_that_may_be_one_of_several_keeps_no_name(house: House) -> None:
    async def act(monitor: GpuMonitor) -> None:
        await house.feed(monitor, sample(1_000_000.0, device(0), device(1)))
        status = await monitor.observe(sample(1_000_001.0, LOST))
        assert [gpu.uuid for gpu in status.devices] == ["GPU-nameless"]

    house.run(act)


def test_another_machines_gpus_are_as_of_its_last_row(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(monitor: GpuMonitor) -> None:
        await house.feed(monitor, *(sample(time.time() + second, device()) for second in range(12)))

    house.run(act)
    mine, house.agent = house.agent, house.database.write_now(lambda tx: agents.enlist(tx, "there", "ben", 4))

    async def elsewhere(monitor: GpuMonitor) -> None:
        status = await monitor.status(ADA, GpuQuery(agent=mine.uid))
        assert (status.host, status.is_own, status.state, status.total) == ("here", False, "ok", 1)
        monkeypatch.setattr(gpu_monitor, "AWAY_SECONDS", -60.0)
        status = await monitor.status(ADA, GpuQuery(agent=mine.uid))
        assert (status.state, status.devices[0].utilization) == ("away", Reading(50.0))
        never = house.database.write_now(lambda tx: agents.enlist(tx, "never", "cleo", 4))
        assert (await monitor.status(ADA, GpuQuery(agent=never.uid))).state == "away"
        history = await monitor.history(ADA, GpuHistoryQuery(agent=mine.uid))
        assert (history.host, history.names) == ("here", {"GPU-0": "0 · H200"})

    house.run(elsewhere)


def test_a_status_of_another_version_is_none(house: House) -> None:
    house.run(lambda monitor: house.feed(monitor, *(sample(NOW + second, device()) for second in range(12))))
    house.database.write_now(lambda tx: tx.execute(update(GpuStatusRow).values(status=b'{"state": "better"}')))
    assert house.database.read_now(lambda tx: gpu_statuses.newest(tx, house.agent.id)) is None


def test_only_the_server_that_leads_writes_and_acts(house: House) -> None:
    house.is_leading = False
    house.run(lambda monitor: house.feed(monitor, *(sample(NOW + second, device()) for second in range(25))))
    assert (house.rows(), house.seen) == ({}, [])


def test_what_acts_on_samples_may_fail_and_be_slow(house: House, caplog: pytest.LogCaptureFixture) -> None:
    async def fail(status: GpuStatus) -> None:
        raise RuntimeError("act")

    async def dawdle(status: GpuStatus) -> None:
        await have_all_come.wait()

    have_all_come = asyncio.Event()
    house.each[:0] = [fail, dawdle]

    async def act(monitor: GpuMonitor) -> None:
        for second in range(20):
            await monitor.observe(sample(NOW + second, device()))
            await asyncio.sleep(0.005)
        have_all_come.set()
        async with asyncio.timeout(20):
            while len(house.seen) < 2:
                await asyncio.sleep(0.01)

    house.run(act)
    assert "act" in caplog.text
    assert len(house.seen) == 2  # what came meanwhile was passed over
    assert house.seen[-1].at == NOW + 19


def ask(house: House, **query: Any) -> GpuHistory:
    history: GpuHistory = house.run(lambda monitor: monitor.history(ADA, GpuHistoryQuery(**query)))
    return history


def column(history: GpuHistory, metric: str, gpu: str = "GPU-0") -> Any:
    return next(one for one in history.series if (one.gpu, one.metric) == (gpu, metric))


def test_the_last_minutes_come_from_memory_second_by_second(house: House) -> None:
    async def act(monitor: GpuMonitor) -> GpuHistory:
        await house.feed(
            monitor, *(sample(NOW + second, device(utilization=Reading(float(second)))) for second in range(30))
        )
        return await monitor.history(ADA, GpuHistoryQuery(start=NOW, end=NOW + 30, width=100))

    history = house.run(act)
    found = column(history, "utilization")
    assert found.mean == found.min == found.max == [float(second) for second in range(30)]
    assert found.at[:2] == [NOW, NOW + 1]
    assert (history.resolution, found.limit, column(history, "memory_used").limit) == (1.0, 100.0, 80 * GIB)
    assert column(history, "cpu", "").limit == 100.0
    assert column(history, "host_memory_used", "").mean[0] == 2**33
    assert all(one.metric != "power" for one in history.series)  # nobody could read it


def test_ten_seconds_become_a_row_that_a_restart_keeps(house: House) -> None:
    values = [0.0, 100.0, *[50.0] * 8]
    samples = [sample(NOW + at, device(utilization=Reading(value))) for at, value in enumerate(values)]
    house.run(lambda monitor: house.feed(monitor, *samples, sample(NOW + 10, device())))
    assert house.rows()[10] == 1
    found = column(ask(house, start=NOW - 60, end=NOW + 60), "utilization")
    assert (found.at, found.mean, found.min, found.max) == ([NOW + 5], [50.0], [0.0], [100.0])


def test_rows_that_come_while_others_are_written_are_kept(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_monitor, "PENDING", 2)

    async def act(monitor: GpuMonitor) -> None:
        is_free = threading.Event()
        busy = asyncio.create_task(house.database.write(lambda tx: is_free.wait(30)))
        for at in range(0, 50, 10):
            await monitor.observe(sample(NOW + at, device()))
            await asyncio.sleep(0.01)
        is_free.set()
        await busy
        await house.rest(monitor)
        await house.feed(monitor, sample(NOW + 50, device()))

    house.run(act)
    assert house.rows()[10] == 4, "the first, the two that may wait, and the last"


def test_a_gap_is_told(house: House) -> None:
    async def act(monitor: GpuMonitor) -> GpuHistory:
        for start in (NOW, NOW + 120):
            await house.feed(monitor, *(sample(start + second, device()) for second in range(3)))
        return await monitor.history(ADA, GpuHistoryQuery(start=NOW, end=NOW + 200, width=200))

    found = column(house.run(act), "utilization")
    assert [str(value) for value in found.mean] == ["50.0"] * 3 + ["nan"] + ["50.0"] * 3
    assert NOW + 2 < found.at[3] < NOW + 120


def test_samples_that_come_every_ten_seconds_have_no_gaps(house: House) -> None:
    async def act(monitor: GpuMonitor) -> GpuHistory:
        await house.feed(monitor, *(sample(NOW + 10 * beat, device(), interval=10.0) for beat in range(12)))
        return await monitor.history(ADA, GpuHistoryQuery(start=NOW, end=NOW + 120, width=1_000))

    assert column(house.run(act), "utilization").mean == [50.0] * 12


def test_a_clock_that_is_set_back_breaks_nothing(house: House) -> None:
    async def act(monitor: GpuMonitor) -> GpuHistory:
        await house.feed(monitor, *(sample(NOW + 500 + second, device()) for second in range(12)))
        await house.feed(monitor, *(sample(NOW + second, device()) for second in range(12)))
        await house.feed(monitor, *(sample(NOW + second, device()) for second in range(12)))
        return await monitor.history(ADA, GpuHistoryQuery(start=NOW, end=NOW + 12, width=12))

    assert set(column(house.run(act), "utilization").mean) == {50.0}
    assert house.rows()[10] >= 2


def test_gpus_that_come_and_go_keep_their_columns(house: House) -> None:
    async def act(monitor: GpuMonitor) -> GpuHistory:
        await house.feed(monitor, *(sample(NOW + second, device(0), device(1)) for second in range(5)))
        await house.feed(monitor, *(sample(NOW + second, device(1)) for second in range(5, 10)))
        return await monitor.history(ADA, GpuHistoryQuery(start=NOW, end=NOW + 10, width=10, metrics=["temperature"]))

    history = house.run(act)
    assert sorted(history.names) == ["GPU-0", "GPU-1"]
    assert [str(value) for value in column(history, "temperature").mean] == ["40.0"] * 5 + ["nan"] * 5
    assert column(history, "temperature", "GPU-1").mean == [40.0] * 10


def test_what_is_asked_for_is_answered(house: House) -> None:
    async def act(monitor: GpuMonitor) -> GpuHistory:
        await house.feed(monitor, *(sample(NOW + second, device(0), device(1)) for second in range(5)))
        query = GpuHistoryQuery(start=NOW, end=NOW + 5, gpus=["GPU-1"], metrics=["utilization", "cpu"])
        return await monitor.history(ADA, query)

    found = house.run(act).series
    assert [(one.gpu, one.metric) for one in found] == [("", "cpu"), ("GPU-1", "utilization")]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"width": 0}, "width"),
        ({"width": 2_001}, "width"),
        ({"start": 5.0, "end": 5.0}, "start"),
        ({"start": float("nan")}, "start"),
        ({"start": 0.0, "end": float("inf")}, "start"),
    ],
)
def test_bad_questions_are_refused(house: House, query: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        ask(house, **query)
    assert field in caught.value.fields


def fill(house: House, start: int, count: int, seconds: int = 10, value: float = 50.0) -> None:
    """Write rows of a GPU, the first a multiple of `seconds`."""
    layout = (rows.Track(uuid="GPU-0", index=0, name="H200", memory_total=None, power_limit=None),)
    values = rows.np.full((3, rows.width(layout)), value, rows.np.float32)

    def write(tx: Any) -> None:
        for number in range(count):
            rows.add(tx, house.agent.id, start + number * seconds, layout, values, seconds)

    house.database.write_now(write)


def test_rows_are_rolled_up_and_old_ones_go(house: House) -> None:
    hour = int(time.time()) // 3_600 * 3_600
    fill(house, hour - 7_200, 720)
    fill(house, hour - 3 * 86_400, 10)
    fill(house, hour - 40 * 86_400, 10, seconds=300)
    house.keeping = Keeping()

    async def act(monitor: GpuMonitor) -> None:
        await house.feed(monitor, sample(time.time(), device()), sample(time.time() + 11, device()))
        while monitor._tidied_at < 0:
            await asyncio.sleep(0.01)

    house.run(act)
    asked = select(GpuHistoryRow.seconds, GpuHistoryRow.at).order_by(GpuHistoryRow.at)
    found = [tuple(row) for row in house.database.read_now(lambda tx: tx.execute(asked).all())]
    assert all(at >= hour - 7_200 for seconds, at in found if seconds == 10)
    assert [at for seconds, at in found if seconds == 3_600 and at >= hour - 7_200] == [hour - 7_200, hour - 3_600]
    assert len([at for seconds, at in found if seconds == 300 and hour - 7_200 <= at < hour]) == 24
    assert hour - 3 * 86_400 in [at for seconds, at in found if seconds == 300]  # the day after tomorrow it still tells
    assert min(at for _, at in found) > hour - 31 * 86_400


def test_a_rolled_row_has_mean_least_and_most_of_its_parts(house: House) -> None:
    start = NOW // 300 * 300
    for number, value in enumerate((10.0, 90.0, 20.0)):
        fill(house, start + number * 10, 1, value=value)
    house.database.write_now(lambda tx: rows.roll_up(tx, house.agent.id, start + 300.0))
    found = house.database.read_now(lambda tx: rows.between(tx, house.agent.id, 300, start, start + 300))
    assert found[0].values[0, :, 0].tolist() == [40.0, 10.0, 90.0]


def test_long_spans_mix_coarse_rows_fine_rows_and_memory(house: House) -> None:
    now = time.time()
    hour = int(now) // 3_600 * 3_600
    fill(house, hour - 60 * 3_600, 60, seconds=3_600, value=10.0)
    fill(house, hour - 60 * 3_600, 720, seconds=300, value=10.0)
    fill(house, hour, max(1, (int(now) - hour) // 10), value=20.0)

    async def act(monitor: GpuMonitor) -> GpuHistory:
        await house.feed(monitor, sample(now, device(utilization=Reading(30.0))))
        return await monitor.history(ADA, GpuHistoryQuery(start=now - 60 * 3_600, end=now + 1, width=60))

    found = column(house.run(act), "utilization")
    assert len(found.at) <= 60
    assert found.mean[:50] == [10.0] * 50
    assert found.max[-1] == 30.0
    assert found.at == sorted(found.at)
    assert "nan" not in {str(value) for value in found.mean}


@pytest.mark.parametrize(("width", "resolution"), [(60, 3_600.0), (118, 3_600.0), (177, 1_200.0)])
def test_a_span_is_read_from_few_rows_for_each_of_its_points(house: House, width: int, resolution: float) -> None:
    hour = int(time.time()) // 3_600 * 3_600
    fill(house, hour - 60 * 3_600, 60, seconds=3_600)
    fill(house, hour - 60 * 3_600, 720, seconds=300)
    found = ask(house, start=hour - 59 * 3_600, end=hour, width=width)
    assert found.resolution == resolution


def test_old_times_are_told_by_coarse_rows_where_fine_ones_are_gone(house: House) -> None:
    start = NOW // 3_600 * 3_600
    fill(house, start, 12, seconds=300)
    found = column(ask(house, start=start, end=start + 3_600, width=600), "utilization")
    assert found.mean == [50.0] * 12  # one each five minutes, and no gaps between them
