"""The tutorials run from top to bottom, against a real server, and are committed without outputs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from tests.lab import NOTEBOOKS, Lab

TUTORIALS = sorted(NOTEBOOKS.glob("*.ipynb"))


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with Lab(tmp_path, "jupyter_server") as lab:
        assert lab.api("server"), "the platform has started"
        yield lab


def run(name: str, lab: Lab, **shorter: tuple[str, str]) -> Any:
    """Execute a tutorial as a kernel of this user would, and return it with its outputs.

    What a reader is to watch for a minute need not take that long here: `shorter` replaces a text in a cell.
    """
    notebook = nbformat.read(lab.root / "notebooks" / name, as_version=4)
    for cell, (long, short) in shorter.items():
        (found,) = [c for c in notebook.cells if c.id == cell]
        assert long in found.source
        found.source = found.source.replace(long, short)
    client = NotebookClient(notebook, timeout=240, kernel_manager_class=AsyncKernelManager)
    return client.execute(env=lab.environment(), cwd=str(lab.root / "notebooks"))


def outputs(notebook: Any, cell: str) -> list[Any]:
    (found,) = [c for c in notebook.cells if c.id == cell]
    return list(found.outputs)


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.name)
def test_outputs_are_not_committed(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        assert not cell.get("outputs"), cell.id
        assert cell.get("execution_count") is None, cell.id


@pytest.mark.timeout(300)
def test_the_quickstart_trains_a_classifier(lab: Lab) -> None:
    notebook = run("01_quickstart.ipynb", lab, init=('"epochs": 60', '"epochs": 12'))
    (row,) = lab.api("experiments?metrics=loss&metrics=accuracy")["items"]
    found = lab.api(f"experiments/{row['uid']}")
    steps = 12 * (1347 // 16)
    assert (row["status"], row["metrics"][0]["count"]) == ("finished", steps)
    assert found["summary"]["accuracy"] > 0.9
    assert found["config"]["lr"] == 0.01
    assert str(steps - 1) in outputs(notebook, "history")[0]["data"]["text/plain"]
    assert "softmax" in outputs(notebook, "query")[0]["data"]["text/plain"]


@pytest.mark.timeout(300)
def test_the_comparison_finds_both_runs(lab: Lab) -> None:
    notebook = run("02_compare.ipynb", lab)
    rows = lab.api("experiments?q=tag:compare")["items"]
    assert [row["status"] for row in rows] == ["finished", "finished"]
    answer = outputs(notebook, "query")[0]["data"]["text/plain"]
    assert "lr=0.01" in answer
    assert "lr=0.1 " not in answer


@pytest.mark.timeout(300)
def test_tasks_train_one_after_the_other(lab: Lab) -> None:
    notebook = run("03_tasks.ipynb", lab)
    slow, fast = sorted(lab.api("tasks")["items"], key=lambda row: row["created_at"])
    assert [(row["name"], row["state"], row["experiment_name"]) for row in (slow, fast)] == [
        ("slow", "succeeded", "slow"),
        ("fast", "succeeded", "fast"),
    ]
    assert slow["ended_at"] <= fast["started_at"]
    assert fast["progress"] == {"done": 20.0, "total": 20.0, "text": ""}
    assert "('succeeded', 'succeeded', 0)" in outputs(notebook, "wait")[0]["data"]["text/plain"]
    assert "epoch 19" in outputs(notebook, "tail")[0]["text"]


@pytest.mark.timeout(300)
def test_gpus_are_watched_with_and_without_one(lab: Lab) -> None:
    notebook = run("04_gpus.ipynb", lab, busy=("time.monotonic() + 12", "time.monotonic() + 3"))
    status = lab.api("gpu/status")
    (panel,) = outputs(notebook, "monitor")
    assert panel["data"]["text/plain"].startswith("GpuMonitor(")
    assert panel["data"]["image/png"]
    assert outputs(notebook, "status")[0]["text"].startswith(f"{status['host']}: {status['state']}, ")
    assert "'cpu'" in outputs(notebook, "history")[0]["data"]["text/plain"]
    assert lab.api("experiments")["items"][0]["status"] == "finished"
