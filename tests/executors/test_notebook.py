"""Notebooks that run as tasks, under the supervisor like any other job."""

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from aiplat_jupyter.core.ports import Job
from aiplat_jupyter.core.tasks import Progress
from aiplat_jupyter.executors.local import LocalExecutor
from aiplat_jupyter.executors.notebook import MAX_KEPT, with_parameters
from aiplat_jupyter.pytest_plugin import Jobs

v4 = nbformat.v4


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    jobs = Jobs(LocalExecutor(), tmp_path, 50.0)
    yield jobs
    for job in jobs.executor.owned(tmp_path):
        jobs.executor.stop(job, now=True)
        jobs.ended(job)


def notebook(*sources: str, tags: tuple[str, ...] = ()) -> nbformat.NotebookNode:
    cells = [v4.new_code_cell(source) for source in sources]
    if cells:
        cells[0].metadata["tags"] = list(tags)
    return v4.new_notebook(cells=cells)


def run(jobs: Jobs, book: nbformat.NotebookNode, **parameters: Any) -> Job:
    path = jobs.root / "book.ipynb"
    nbformat.write(book, path)
    launch = jobs.launch(sys.executable, "-u", "-m", "aiplat_jupyter.executors.notebook", str(path), grace_s=20.0)
    env = {"AIPLAT_TASK_DIR": launch.directory, "AIPLAT_PARAMETERS": json.dumps(parameters), "HOME": str(jobs.root)}
    launch.env.update({**env, "IPYTHONDIR": str(jobs.root / "ipython"), "PATH": os.environ["PATH"]})
    jobs.executor.submit(launch)
    return Job(key=launch.key, directory=launch.directory)


def kept(job: Job) -> nbformat.NotebookNode:
    return nbformat.read(Path(job.directory) / "output.ipynb", as_version=4)


def test_a_notebook_runs_with_parameters_and_keeps_its_output(jobs: Jobs) -> None:
    book = notebook("lr = 1", "import os\nprint(lr, names, os.getcwd())", "lr * 2", tags=("parameters",))
    book.cells.insert(1, v4.new_markdown_cell("# text"))
    job = run(jobs, book, lr=0.5, names=["a", None, "ü'"])
    status = jobs.ended(job)
    assert (status.reason, status.exit_code) == ("", 0), jobs.output(job)
    lines = jobs.output(job).splitlines()
    assert [line for line in lines if line.startswith("[cell")] == [f"[cell {n}/4]" for n in (1, 2, 3, 4)]
    assert f"0.5 ['a', None, \"ü'\"] {jobs.root}" in lines
    assert "1.0" in lines
    cells = kept(job).cells
    assert [cell.cell_type for cell in cells] == ["code", "code", "markdown", "code", "code"]
    assert cells[1].metadata.tags == ["injected-parameters"]
    assert cells[4].outputs[0].data["text/plain"] == "1.0"
    nbformat.validate(kept(job))


def test_output_and_progress_come_while_a_cell_runs(jobs: Jobs) -> None:
    job = run(jobs, notebook("pass", "import time\nprint('early')\ntime.sleep(600)"))
    jobs.told(job, "early")
    status = jobs.status(job)
    assert status.progress == Progress(done=1, total=2, text="cells")
    jobs.executor.stop(job)
    begun = time.monotonic()
    status = jobs.ended(job)
    assert (status.reason, status.exit_code) == ("stopped", 128 + signal.SIGTERM)
    assert time.monotonic() - begun < 15
    assert "KeyboardInterrupt" in jobs.output(job)
    assert kept(job).cells[1].outputs[0].text == "early\n"


def test_a_cell_that_fails_ends_it_with_the_traceback(jobs: Jobs) -> None:
    job = run(jobs, notebook("print('before')", "1/0", "print('after')"))
    status = jobs.ended(job)
    assert (status.reason, status.exit_code) == ("exit", 1)
    assert status.progress == Progress(done=1, total=3, text="cells")
    assert "ZeroDivisionError" in jobs.output(job)
    assert "after" not in jobs.output(job)
    assert kept(job).cells[1].outputs[0].ename == "ZeroDivisionError"


def test_a_kernel_that_dies_says_by_which_signal(jobs: Jobs) -> None:
    job = run(jobs, notebook("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"))
    assert jobs.ended(job).exit_code == 128 + signal.SIGKILL
    assert "The kernel died" in jobs.output(job)


def test_a_cell_that_prints_too_much_for_a_notebook_is_cut_there_only(jobs: Jobs) -> None:
    job = run(jobs, notebook(f"for _ in range(3): print('x' * {MAX_KEPT // 2}, flush=True)\nprint('end')"))
    assert jobs.ended(job).exit_code == 0
    assert jobs.output(job).count("x") == 3 * (MAX_KEPT // 2)
    assert "end" in jobs.output(job)
    text = "".join(output.text for output in kept(job).cells[0].outputs)
    assert len(text) < MAX_KEPT * 2
    assert text.endswith("[the rest is in the task's log]\n")


def test_what_is_no_notebook_says_so(jobs: Jobs) -> None:
    (jobs.root / "book.ipynb").write_text("{")
    launch = jobs.launch(sys.executable, "-m", "aiplat_jupyter.executors.notebook", str(jobs.root / "book.ipynb"))
    jobs.executor.submit(launch)
    job = Job(key=launch.key, directory=launch.directory)
    assert jobs.ended(job).exit_code == 1
    assert jobs.output(job).startswith(f"{jobs.root}/book.ipynb: ")


def test_parameters_take_the_place_of_an_earlier_runs() -> None:
    once = with_parameters(notebook("a = 1", "a", tags=("parameters",)), {"a": 2})
    twice = with_parameters(once, {"a": 3})
    assert [cell.source for cell in twice.cells] == ["a = 1", "a = 3", "a"]
    assert [cell.source for cell in with_parameters(notebook("b"), {"a": 2}).cells] == ["a = 2", "b"]
    assert [cell.source for cell in with_parameters(notebook("b"), {}).cells] == ["b"]


def test_parameters_are_pythons() -> None:
    book = notebook("x")
    book.metadata["kernelspec"] = {"name": "ir", "language": "R"}
    with pytest.raises(ValueError, match="not in R"):
        with_parameters(book, {"a": 1})
