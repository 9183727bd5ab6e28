"""How an experiment ends when nobody calls `finish`: each in a real process."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from aiplat_jupyter.core.frames import Idle, Record, Status
from tests.client.fake_server import FakeServer, points, records

BEGIN = (
    "import aiplat_jupyter as aiplat, os, sys, threading, signal\nexp = aiplat.init(name='e')\nexp.log({'x': 1.0})\n"
)


def run(code: str, *, begin: str = BEGIN, expect: int | None = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-c", begin + textwrap.dedent(code)], capture_output=True, text=True, timeout=30, check=False
    )
    assert expect is None or done.returncode == expect, done.stderr
    return done.stderr


def journal(data_dir: Path) -> bytes:
    [path] = (data_dir / "journals").glob("*.journal")
    return path.read_bytes()


def endings(data_dir: Path) -> list[tuple[str, str, bool]]:
    found = [record for record in records(journal(data_dir)) if isinstance(record, Status)]
    return [(record.status, record.cause, record.final) for record in found]


def test_the_end_of_a_script(data_dir: Path) -> None:
    run("")
    assert endings(data_dir) == [("finished", "", True)]


def test_an_exception(data_dir: Path) -> None:
    stderr = run("raise ValueError('no such thing\\nsecond line')", expect=1)
    assert "ValueError: no such thing" in stderr
    assert endings(data_dir)[-1] == ("failed", "ValueError: no such thing", True)


def test_a_hook_of_the_users_still_runs(data_dir: Path) -> None:
    begin = "import sys\nsys.excepthook = lambda *a: sys.stderr.write(f'mine {a[0].__name__}\\n')\n" + BEGIN
    assert "mine KeyError" in run("{}['x']", begin=begin, expect=1)
    assert endings(data_dir)[-1] == ("failed", "KeyError: 'x'", True)


def test_an_interrupt(data_dir: Path) -> None:
    run("os.kill(os.getpid(), signal.SIGINT)\nimport time; time.sleep(9)", expect=None)
    assert endings(data_dir)[-1] == ("interrupted", "KeyboardInterrupt", True)


@pytest.mark.parametrize(
    ("code", "status"), [("0", "finished"), ("", "finished"), ("3", "failed"), ("'bad weather'", "failed")]
)
def test_sys_exit(data_dir: Path, code: str, status: str) -> None:
    run(f"sys.exit({code})", expect=None)
    assert endings(data_dir)[-1][0] == status


def test_an_exit_that_was_caught_is_no_end(data_dir: Path) -> None:
    run("try: sys.exit(3)\nexcept SystemExit: pass\nexp.log({'x': 2.0})")
    assert endings(data_dir) == [("failed", "exit 3", False), ("finished", "", True)]


def test_a_thread_that_dies_is_the_end_if_nothing_follows(data_dir: Path) -> None:
    run("t = threading.Thread(target=lambda: 1 / 0, name='trainer'); t.start(); t.join()")
    assert endings(data_dir)[-1] == ("failed", "trainer: ZeroDivisionError: division by zero", True)


def test_a_thread_that_dies_is_not_the_end_if_training_goes_on(data_dir: Path) -> None:
    run("t = threading.Thread(target=lambda: 1 / 0); t.start(); t.join()\nexp.log({'x': 2.0})")
    assert endings(data_dir)[-1] == ("finished", "", True)


def test_threads_that_outlive_the_main_one_are_waited_for(data_dir: Path) -> None:
    run("import time\nthreading.Thread(target=lambda: (time.sleep(0.3), exp.log({'x': 2.0}))).start()")
    assert len(points(journal(data_dir))) == 2
    assert endings(data_dir) == [("finished", "", True)]


def test_a_with_block_that_fails(data_dir: Path) -> None:
    run("with exp: raise RuntimeError('boom')", expect=1)
    assert endings(data_dir) == [("failed", "RuntimeError: boom", True)]


def test_a_with_block_that_is_left_by_exit(data_dir: Path) -> None:
    run("with exp: raise SystemExit(0)")
    assert endings(data_dir) == [("finished", "", True)]


def test_finish_is_the_last_word(data_dir: Path) -> None:
    run("exp.finish('stopped', 'enough')\nraise ValueError", expect=1)
    assert endings(data_dir) == [("stopped", "enough", True)]


def test_a_forked_child_does_not_end_it(data_dir: Path) -> None:
    run("if os.fork() == 0: sys.exit(1)\nos.wait()\nexp.log({'x': 2.0})")
    assert endings(data_dir) == [("finished", "", True)]


def test_multiprocessing_children_log_to_the_same_attempt(data_dir: Path) -> None:
    run(
        """
        import multiprocessing
        def work(step): exp.log({'y': 1.0}, step=step)
        with multiprocessing.get_context('fork').Pool(2) as pool: pool.map(work, range(10))
        """
    )
    found = [path.read_bytes() for path in (data_dir / "journals").glob("*.journal")]
    assert sorted(p.step for data in found for p in points(data) if "y" in p.values) == list(range(10))
    assert len({(r[0].experiment, r[0].attempt) for r in map(records, found)}) == 1


def test_exit_waits_for_the_server(server: FakeServer, data_dir: Path) -> None:
    run("for step in range(30000): exp.log({'x': 1.0}, step)")
    [data] = server.journals.values()
    assert len(points(bytes(data))) == 30001
    assert isinstance(records(bytes(data))[-1], Status)


def test_exit_does_not_wait_long_for_a_server_that_hangs(
    server: FakeServer, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "commit", lambda *given: time.sleep(20))
    started = time.monotonic()
    run("")
    assert time.monotonic() - started < 8
    assert endings(data_dir) == [("finished", "", True)]


def test_nothing_is_lost_by_sigkill(data_dir: Path) -> None:
    code = BEGIN + "for step in range(10**9):\n exp.log({'x': 1.0}, step)\n os.write(1, b'%d\\n' % step)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        heard = process.stdout.read(40_000)
        os.kill(process.pid, signal.SIGKILL)
        heard += process.stdout.read()
    last = int(heard.rpartition(b"\n")[0].rpartition(b"\n")[2])
    steps = [point.step for point in points(journal(data_dir))]
    assert steps[1:] == list(range(len(steps) - 1))
    assert last <= steps[-1] <= last + 1


def test_a_full_disk_while_training(data_dir: Path) -> None:
    stderr = run(
        """
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
        for step in range(2000): exp.log({'x': 1.0}, step)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        exp.log({'x': 2.0}, 2000)
        exp.summary['dropped'] = exp.dropped
        """
    )
    assert stderr.count("cannot be written") == 1
    steps = [point.step for point in points(journal(data_dir))][1:]
    assert steps[-1] == 2000
    assert 100 < len(steps) < 700
    assert endings(data_dir) == [("finished", "", True)]


CELLS = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
class Parent:
    def __init__(self, id, source): self.message = dict(
        header=dict(msg_id=str(os.urandom(4))), metadata=dict(cellId=id), content=dict(code=source))
def cell(source, id=None):
    shell.get_parent = lambda p=Parent(id, source): p.message
    shell.run_cell(source, store_history=True)
"""


def cells(*sources: str) -> None:
    lines = [f"cell({source!r}, {f'id{number}'!r})" for number, source in enumerate(sources)]
    run("\n".join(lines), begin="import os\n" + CELLS)


INIT = "import aiplat_jupyter as aiplat; exp = aiplat.init(name='e')"


def story(data: bytes) -> list[object]:
    """Return what the records tell of the experiment's ways, with points as their steps."""
    kept: list[Record] = [record for record in records(data) if isinstance(record, Status | Idle)]
    return [(r.status, r.cause, r.final) if isinstance(r, Status) else "idle" for r in kept]


def test_cells_that_end_well(data_dir: Path) -> None:
    cells(INIT, "exp.log({'x': 1.0})", "1 + 1")
    assert story(journal(data_dir)) == ["idle", "idle", ("finished", "", True)]


def test_an_error_in_a_cell_that_logs(data_dir: Path) -> None:
    cells(INIT, "exp.log({'x': 1.0}); 1 / 0")
    cause = "In [2]: ZeroDivisionError: division by zero"
    assert story(journal(data_dir)) == ["idle", ("failed", cause, False), ("failed", cause, True)]


def test_an_error_elsewhere_is_none_of_its_business(data_dir: Path) -> None:
    cells(INIT, "exp.log({'x': 1.0})", "1 / 0", "!!!")
    assert story(journal(data_dir)) == ["idle", "idle", ("finished", "", True)]


def test_logging_on_after_an_error(data_dir: Path) -> None:
    cells(INIT, "exp.log({'x': 1.0}); raise KeyboardInterrupt", "exp.log({'x': 2.0})")
    interrupted = ("interrupted", "In [2]: KeyboardInterrupt", False)
    assert story(journal(data_dir)) == ["idle", interrupted, "idle", ("finished", "", True)]


def test_a_with_block_in_a_cell_is_not_the_last_word(data_dir: Path) -> None:
    cells(INIT, "with exp: exp.log({'x': 1.0}); 1 / 0", "exp.log({'x': 2.0})")
    told = story(journal(data_dir))
    assert told[1][0] == "failed"
    assert not told[1][2]
    assert told[-1] == ("finished", "", True)
    assert len(points(journal(data_dir))) == 2


def stories(data_dir: Path) -> list[list[object]]:
    return [story(path.read_bytes()) for path in sorted((data_dir / "journals").glob("*.journal"))]


def test_the_same_cell_again_finishes_the_one_before(data_dir: Path) -> None:
    again = "\n".join(["cell(source, 'a')", "cell('exp.log({\"x\": 1.0})', 'b')"] * 2)
    run(f"source = {INIT!r}\n{again}", begin="import os\n" + CELLS)
    first, second = stories(data_dir)
    assert first[-1] == ("finished", "its cell was run again", True)
    assert second[-1] == ("finished", "", True)


def test_the_same_source_again_where_cells_have_no_ids(data_dir: Path) -> None:
    run(f"keep = []\nfor _ in 'ab': cell({INIT!r}); cell('keep = [exp]')", begin="import os\n" + CELLS)
    assert stories(data_dir)[0][-1] == ("finished", "its cell was run again", True)


def test_a_loop_in_one_cell_begins_several(data_dir: Path) -> None:
    cells("import aiplat_jupyter as aiplat; exps = [aiplat.init(name='e') for _ in range(3)]")
    assert stories(data_dir) == [["idle", ("finished", "", True)]] * 3
