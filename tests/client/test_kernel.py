"""In a real kernel: which cell, which kernel, and what an interrupt, an error, a restart and a shutdown mean."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from aiplat_jupyter.core.frames import Idle, Opened, Status
from tests.client.fake_server import points, records

UID = "0d4f9c1e-3f11-4f0e-9f5a-2a1f6f0c7b11"


class Notebook:
    def __init__(self, folder: Path) -> None:
        self.manager = KernelManager(connection_file=str(folder / f"kernel-{UID}.json"))
        self.manager.start_kernel()
        self.client: BlockingKernelClient = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(60)

    def send(self, source: str, cell: str) -> str:
        content = {
            "code": source,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "stop_on_error": True,
        }
        message = self.client.session.msg("execute_request", content, metadata={"cellId": cell})
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def run(self, source: str, cell: str = "c") -> str:
        """Run a cell; again if the kernel dropped it, as it does for a moment after an error."""
        sent = self.send(source, cell)
        while True:
            reply = self.client.get_shell_msg(timeout=30)
            if reply["parent_header"].get("msg_id") != sent:
                continue
            if reply["content"]["status"] != "aborted":
                return str(reply["content"]["status"])
            sent = self.send(source, cell)


@pytest.fixture
def notebook(tmp_path: Path, data_dir: Path) -> Iterator[Notebook]:
    notebook = Notebook(tmp_path)
    yield notebook
    notebook.client.stop_channels()
    if notebook.manager.is_alive():
        notebook.manager.shutdown_kernel(now=True)
    notebook.manager.cleanup_resources()


def journal(data_dir: Path) -> bytes:
    [path] = (data_dir / "journals").glob("*.journal")
    return path.read_bytes()


def told(data_dir: Path) -> list[str]:
    kept = [record for record in records(journal(data_dir)) if isinstance(record, Status | Idle)]
    return [
        f"{record.status}{'' if record.final else '…'}" if isinstance(record, Status) else "idle" for record in kept
    ]


def eventually(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


INIT = "import aiplat_jupyter as aiplat; exp = aiplat.init('p', 'n')"


def test_a_session(notebook: Notebook, data_dir: Path) -> None:
    assert notebook.run(INIT, "first") == "ok"
    opened = records(journal(data_dir))[0]
    assert isinstance(opened, Opened)
    assert opened.kernel == UID
    assert (opened.provenance["cell"], opened.provenance["cell_source"]) == ("first", INIT)
    assert "command" not in opened.provenance

    sent = notebook.send("import time\nwhile True: exp.log({'x': 1.0}); time.sleep(0.001)", "second")
    eventually(lambda: len(points(journal(data_dir))) > 50)
    notebook.manager.interrupt_kernel()
    eventually(lambda: told(data_dir) == ["idle", "interrupted…"])
    assert notebook.client.get_shell_msg(timeout=20)["parent_header"]["msg_id"] == sent

    assert notebook.run("exp.log({'x': 2.0}); 1 / 0") == "error"
    assert notebook.run("1 / 0") == "error"
    assert told(data_dir) == ["idle", "interrupted…", "failed…"]
    assert notebook.run("exp.log({'x': 3.0})") == "ok"
    notebook.manager.shutdown_kernel()
    assert told(data_dir) == ["idle", "interrupted…", "failed…", "idle", "finished"]


def test_an_experiment_at_the_end_of_a_cell_shows_something(notebook: Notebook) -> None:
    notebook.run(INIT)
    notebook.send("exp", "c")
    while (message := notebook.client.get_iopub_msg(timeout=30))["msg_type"] not in ("execute_result", "display_data"):
        assert message["msg_type"] != "error", message["content"]
    assert "Experiment('n'" in message["content"]["data"]["text/plain"] or len(message["content"]["data"]) > 1


def opened(data_dir: Path) -> list[Opened]:
    found = [records(path.read_bytes())[0] for path in sorted((data_dir / "journals").glob("*.journal"))]
    return [record for record in found if isinstance(record, Opened)]


def console_of(data_dir: Path, at: Opened) -> str:
    assert at.console
    return (data_dir / "tasks" / at.console / "1" / "out.log").read_text()


QUIET = "import logging; logging.disable()"


def test_what_cells_print_is_kept_until_the_experiment_ends(notebook: Notebook, data_dir: Path) -> None:
    notebook.run("print('early')")
    notebook.run(f"{QUIET}; {INIT}; import sys")
    notebook.run("print('ü out'); print('err', file=sys.stderr)")
    notebook.run("1/0")
    [at] = opened(data_dir)
    kept = console_of(data_dir, at)
    assert "early" not in kept
    assert kept.startswith("ü out\nerr\n")
    assert "Traceback (most recent call last):\n" in kept
    assert kept.endswith("ZeroDivisionError: division by zero\n")
    assert notebook.run("exp.finish()") == "ok"
    assert notebook.run("print('late')") == "ok"
    assert console_of(data_dir, at) == kept


def test_each_experiment_keeps_its_own_console(notebook: Notebook, data_dir: Path) -> None:
    notebook.run(f"{QUIET}; {INIT}", "a")
    notebook.run("print('one')", "b")
    notebook.run("other = aiplat.init('p', 'm')", "c")
    notebook.run("print('both')", "d")
    first, second = sorted(opened(data_dir), key=lambda at: at.name, reverse=True)
    assert console_of(data_dir, first) == "one\nboth\n"
    assert console_of(data_dir, second) == "both\n"


def test_a_console_that_cannot_be_written_costs_nothing_but_itself(notebook: Notebook, data_dir: Path) -> None:
    notebook.run(INIT)
    notebook.run("import os; from aiplat_jupyter.client import console; [each] = console._open")
    notebook.run("os.dup2(os.open('/dev/full', os.O_WRONLY), each._fd)")
    assert notebook.run("print('x'); print('y'); exp.log({'loss': 1})") == "ok"
    assert notebook.run("assert not console._open") == "ok"


@pytest.mark.parametrize(
    "how", ["exp = aiplat.init(console=False)", "os.environ['AIPLAT_CONSOLE'] = '0'; aiplat.init()"]
)
def test_a_console_is_not_kept_unasked(notebook: Notebook, data_dir: Path, how: str) -> None:
    assert notebook.run(f"import aiplat_jupyter as aiplat, os; {how}") == "ok"
    [at] = opened(data_dir)
    assert at.console is None
    assert not (data_dir / "tasks").exists()
