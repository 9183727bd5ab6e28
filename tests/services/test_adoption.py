import asyncio
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text

from aiplat_jupyter.client.journal import Journal
from aiplat_jupyter.core.errors import OffsetConflict
from aiplat_jupyter.core.frames import Idle, encode
from aiplat_jupyter.core.queries import ExperimentQuery
from aiplat_jupyter.services import adoption as adoption_module
from aiplat_jupyter.services import kernels as kernels_module
from aiplat_jupyter.services.adoption import Adoption
from aiplat_jupyter.services.journals import Journals
from aiplat_jupyter.services.kernels import Kernels
from aiplat_jupyter.store.database import Database
from tests.services.frames import AT, HERE, ended, opening, point, run, values
from tests.services.house import House, Waiting
from tests.services.people import ADA
from tests.services.processes import writer


@pytest.fixture
def house(sqlite_url: str, tmp_path: Path):
    """The services on SQLite: what adoption asks of a database is tested on both engines with the journals."""
    database = Database.open(sqlite_url)
    yield House(database, tmp_path)
    database.close()


@pytest.fixture
def kernels(monkeypatch: pytest.MonkeyPatch) -> Kernels:
    monkeypatch.setattr(kernels_module, "count_oom_kills", lambda: 0)
    return Kernels()


@pytest.fixture
def adoption(house: House, kernels: Kernels):
    return Waiting(Adoption(Journals(house.database), house.files, kernels, ADA))


def put(house: House, uid: str, data: bytes, lock: bool = True) -> Path:
    """Leave a journal as a process leaves it that is gone."""
    path = house.files.path(uid)
    path.write_bytes(data)
    if lock:
        path.with_suffix(".lock").touch()
    return path


def status(house: House, uid: str = "exp") -> tuple[str, str]:
    found = house.experiments.get(ADA, uid)
    return found.status, found.cause


def losses(house: House) -> list[tuple[int, float]]:
    return values(house.metrics.history(ADA, "exp"))["loss"]


def test_a_living_process_is_left_alone_and_a_killed_one_adopted(house: House, adoption):
    with writer(house.files.directory, "j") as process:
        process.write(run("j"))
        adoption.round()
        assert house.experiments.list(ADA, ExperimentQuery()).items == []
        process.write(point(3, 3.0) + point(4, 4.0)[:-2])
        process.kill()
        adoption.round()
    assert status(house) == ("failed", "process was killed or died without finishing")
    assert losses(house) == [(step, float(step)) for step in range(4)]
    journal = house.journals.get(ADA, "j")
    assert journal.closed
    assert journal.offset == len(run("j") + point(3, 3.0))


def test_death_is_seen_within_five_seconds(house: House, kernels: Kernels):
    async def scene(process) -> float:
        journals = Journals(house.database)
        async with Adoption(journals, house.files, kernels, ADA):
            await asyncio.sleep(1.5)
            await asyncio.to_thread(process.kill)
            killed = time.monotonic()
            while not (await journals.progress(["j"])).get("j") or not (await journals.progress(["j"]))["j"].closed:
                await asyncio.sleep(0.05)
            return time.monotonic() - killed

    with writer(house.files.directory, "j") as process:
        process.write(run("j", kernel="K"))
        assert asyncio.run(scene(process)) < 5
    assert status(house)[0] == "failed"


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        (ended("finished"), ("finished", "")),
        (ended("failed", AT, "ValueError: x", final=False), ("failed", "ValueError: x")),
        (ended("failed", AT, "ValueError: x", final=False) + encode(Idle(wall=AT)), ("failed", "ValueError: x")),
        (encode(Idle(wall=AT)), ("finished", "kernel ended while idle")),
        (encode(Idle(wall=AT)) + point(9, 9.0), ("failed", "process was killed or died without finishing")),
        (b"", ("failed", "process was killed or died without finishing")),
        (b"torn", ("failed", "process was killed or died without finishing")),
    ],
)
def test_the_last_word_of_the_process_counts(house: House, adoption, tail: bytes, expected: tuple[str, str]):
    put(house, "j", run("j") + tail)
    adoption.round()
    adoption.round()
    assert status(house) == expected
    assert house.journals.get(ADA, "j").closed


@pytest.mark.parametrize(
    ("happened", "expected"),
    [
        (lambda kernels: kernels.requested("K", "restart"), ("interrupted", "kernel restarted")),
        (lambda kernels: kernels.requested("K", "shutdown"), ("interrupted", "kernel shut down")),
        (lambda kernels: kernels.exited("K", -9), ("failed", "kernel killed by SIGKILL")),
        (lambda kernels: kernels.exited("K", -99), ("failed", "kernel killed by signal 99")),
        (lambda kernels: kernels.exited("K", 3), ("failed", "kernel exited with code 3")),
        (lambda kernels: kernels.exited("K", None), ("failed", "process was killed or died without finishing")),
        (lambda kernels: kernels.requested("other", "restart"), None),
        (lambda kernels: kernels.requested("K", "restart", at=1.0), None),
    ],
)
def test_what_the_server_knows_of_the_kernel_is_the_cause(house: House, adoption, kernels, happened, expected):
    put(house, "j", run("j", kernel="K"))
    happened(kernels)
    adoption.round()
    assert status(house) == (expected or ("running", ""))


def test_out_of_memory(house: House, adoption, kernels: Kernels, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(kernels_module, "count_oom_kills", lambda: HERE.oom_kills + 1)
    put(house, "j", run("j", kernel="K"))
    kernels.exited("K", -9)
    adoption.round()
    assert status(house) == ("failed", "out of memory")


def test_a_cause_that_comes_late_is_put_right(
    house: House, adoption, kernels: Kernels, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(adoption_module, "_GRACE_SECONDS", 0.0)
    put(house, "j", run("j", kernel="K"))
    put(house, "k", run("k", experiment="other", kernel="K") + ended("failed", AT, "ValueError", final=False))
    adoption.round()
    assert status(house)[0] == "failed"
    kernels.requested("K", "restart")
    adoption.round()
    assert status(house) == ("interrupted", "kernel restarted")
    assert status(house, "other") == ("failed", "ValueError")


def test_other_ranks_do_not_end_the_attempt(house: House, adoption):
    put(house, "j1", run("j1", attempt="a", rank=1))
    adoption.round()
    assert status(house) == ("running", "")
    with writer(house.files.directory, "j0") as process:
        process.write(run("j0", attempt="a"))
        house.journals.append(ADA, "j0", 0, run("j0", attempt="a"))
        put(house, "j2", run("j2", attempt="a"))  # as a forked child does
        adoption.round()
        assert status(house) == ("running", "")
        process.kill()
        adoption.round()
    assert status(house)[0] == "failed"


def test_journals_that_never_began_or_are_no_journals(house: House, adoption, caplog: pytest.LogCaptureFixture):
    put(house, "empty", b"")
    put(house, "torn", run("torn")[:20])
    put(house, "noise", b"this is no journal, but it is long enough to look like frames" * 10)
    put(house, "alien", run("another"))
    house.files.directory.joinpath("a b.journal").write_bytes(b"")
    house.files.directory.joinpath("notes.txt").write_bytes(b"")
    put(house, "good", run("good"))
    adoption.round()
    adoption.round()
    assert status(house)[0] == "failed"
    assert house.experiments.list(ADA, ExperimentQuery(count=True)).total == 1
    assert len([record for record in caplog.records if "alien" in record.getMessage()]) == 1
    assert len(list(house.files.directory.iterdir())) == 12


def test_a_journal_that_fails_hinders_no_other(
    house: House, adoption, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    good = put(house, "good", run("good"))
    os.utime(good, (time.time() - 60, time.time() - 60))
    put(house, "huge", opening("huge", "other", process=msgspec.structs.replace(HERE, pid=2**64 - 1)))
    lock = put(house, "locked", run("locked", experiment="later"), lock=False).with_suffix(".lock")
    lock.mkdir()
    for _ in range(3):
        adoption.round()
    assert status(house)[0] == "failed"
    assert house.experiments.list(ADA, ExperimentQuery(count=True)).total == 1
    assert sorted(record.getMessage().split()[1] for record in caplog.records) == ["huge", "locked"]
    lock.rmdir()
    lock.touch()
    later = time.monotonic() + adoption_module._PUT_OFF_SECONDS
    monkeypatch.setattr(adoption_module.time, "monotonic", lambda: later)
    adoption.round()
    assert status(house, "later")[0] == "failed"


def test_a_journal_without_a_lock_is_adopted_when_it_is_old(house: House, adoption):
    path = put(house, "j", run("j"), lock=False)
    adoption.round()
    assert house.experiments.list(ADA, ExperimentQuery()).items == []
    os.utime(path, (time.time() - 60, time.time() - 60))
    adoption.round()
    assert status(house)[0] == "failed"


def test_a_journal_of_the_servers_own_process_is_left_alone(house: House, adoption):
    journal = Journal(house.files.directory, "j")
    with journal.lock:
        journal.append(run("j"))
    for _ in range(2):
        adoption.round()
    assert house.experiments.list(ADA, ExperimentQuery()).items == []
    assert not is_free(house.files.directory / "j.lock")
    journal.close()
    adoption.round()
    assert status(house)[0] == "failed"


def is_free(lock: Path) -> bool:
    """Tell whether another process could have the lock."""
    script = "import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'a'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    return subprocess.run([sys.executable, "-I", "-S", "-c", script, lock], stderr=subprocess.DEVNULL).returncode == 0


def test_a_purged_experiments_journal_is_removed(house: House, adoption):
    data = run("j")
    house.journals.append(ADA, "j", 0, data)
    house.experiments.apply(ADA, "exp", "trash")
    house.experiments.apply(ADA, "exp", "purge")
    put(house, "j", data + point(9, 9.0))
    put(house, "late", run("late"))
    adoption.round()
    assert list(house.files.directory.iterdir()) == []
    assert house.experiments.list(ADA, ExperimentQuery(lifecycle="trashed")).items == []


def test_a_restored_backup_is_filled_again(house: House, adoption, kernels: Kernels, sqlite_url: str, empty_file: Path):
    put(house, "j", run("j", range(50)))
    adoption.round()
    before = losses(house)
    house.database.close()
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    path.write_bytes(empty_file.read_bytes())
    for beside in path.parent.glob("aiplat.db-*"):
        beside.unlink()
    again = House(Database.open(sqlite_url), path.parent)
    Waiting(Adoption(Journals(again.database), again.files, kernels, ADA)).round()
    assert losses(again) == before == [(step, float(step)) for step in range(50)]
    again.database.close()


def test_files_go_some_days_after_they_were_closed(house: House, kernels: Kernels):
    adoption = Waiting(Adoption(Journals(house.database), house.files, kernels, ADA, keep_days=7))
    path = put(house, "j", run("j"))
    os.utime(path, (time.time() - 8 * 86_400,) * 2)
    adoption.round()
    assert path.exists()  # it was old when it was found, but is committed only since now
    week = text("UPDATE journals SET seen_at = seen_at - 691200")
    house.database.write_now(lambda tx: tx.execute(week) and None)
    Waiting(Adoption(Journals(house.database), house.files, kernels, ADA, keep_days=9)).round()
    assert path.exists()
    Waiting(Adoption(Journals(house.database), house.files, kernels, ADA, keep_days=7)).round()
    assert list(house.files.directory.iterdir()) == []
    assert losses(house)


def test_living_processes_are_heard_of_even_if_they_ship_nothing(house: House, adoption):
    with writer(house.files.directory, "j") as process:
        process.write(run("j"))
        house.journals.append(ADA, "j", 0, run("j"))
        house.database.write_now(lambda tx: tx.execute(text("UPDATE journals SET seen_at = 0")) and None)
        assert house.experiments.get(ADA, "exp").unreachable
        adoption.round()
        assert not house.experiments.get(ADA, "exp").unreachable


def test_a_large_journal_takes_several_rounds(house: House, adoption, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(adoption_module, "_SLICE", 1000)
    data = run("j", range(400))
    put(house, "j", data)
    for _ in range(30):
        adoption.round()
    assert status(house)[0] == "failed"
    assert losses(house) == [(step, float(step)) for step in range(400)]


def test_a_round_that_fails_is_not_the_last(house: House, kernels: Kernels, monkeypatch, caplog):
    async def scene() -> None:
        journals = Journals(house.database)
        adoption, failed = Adoption(journals, house.files, kernels, ADA), 0
        real = adoption.round

        async def fails_first() -> None:
            nonlocal failed
            failed += 1
            if failed == 1:
                raise OSError("the folder cannot be read")
            await real()

        monkeypatch.setattr(adoption, "round", fails_first)
        monkeypatch.setattr(adoption_module, "ROUND_SECONDS", 0.05)
        async with adoption:
            while not await journals.progress(["j"]):
                await asyncio.sleep(0.05)

    put(house, "j", run("j"))
    asyncio.run(asyncio.wait_for(scene(), 20))
    assert "A round of adoption failed" in caplog.text


def test_the_start_does_not_wait_for_what_was_left_behind(house: House, kernels: Kernels, monkeypatch):
    async def scene() -> None:
        journals, go_on = Journals(house.database), asyncio.Event()
        adoption = Adoption(journals, house.files, kernels, ADA)
        real = adoption.round

        async def takes_long() -> None:
            await go_on.wait()
            await real()

        monkeypatch.setattr(adoption, "round", takes_long)
        async with adoption:
            assert not adoption.has_looked
            go_on.set()
            while not adoption.has_looked:
                await asyncio.sleep(0.05)
            assert (await journals.progress(["j"]))["j"].closed

    put(house, "j", run("j"))
    asyncio.run(asyncio.wait_for(scene(), 20))


def test_shipper_sync_and_adoptions_race_for_one_journal(
    house: House, kernels: Kernels, sqlite_url: str, tmp_path: Path
):
    """Whoever is first commits a slice; the others learn the true offset. Every point arrives once."""
    data = run("j", range(3000), ("loss", "acc")) + ended("finished")
    other = House(Database.open(sqlite_url), tmp_path)
    problems: list[BaseException] = []

    def ship(house: House, size: int) -> None:
        offset = 0
        while offset < len(data):
            try:
                offset = house.journals.append(ADA, "j", offset, data[offset : offset + size]).offset
            except OffsetConflict as conflict:
                offset = conflict.offset

    def adopt(house: House) -> None:
        adoption = Waiting(Adoption(Journals(house.database), house.files, kernels, ADA))
        for _ in range(5):
            adoption.round()

    def guarded(job, *given) -> None:
        try:
            job(*given)
        except BaseException as error:
            problems.append(error)

    put(house, "j", data)
    jobs = [(ship, house, 1500), (ship, other, 4000), (adopt, house), (adopt, other)]
    threads = [threading.Thread(target=guarded, args=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    adopt(house)
    assert problems == []
    assert losses(house) == [(step, float(step)) for step in range(3000)]
    assert status(house) == ("finished", "")
    assert house.journals.get(ADA, "j").closed
    other.database.close()


def test_the_register_of_kernels_is_bounded():
    kernels = Kernels()
    for number in range(kernels_module.KEPT + 5):
        kernels.exited(str(number), 1)
    assert not kernels.knows("0", 0)
    assert kernels.knows(str(kernels_module.KEPT + 4), 0)


def test_the_machine_tells_how_often_memory_ran_out():
    assert kernels_module.count_oom_kills() >= 0
