"""Panels in a real kernel: what a notebook saves, and who answers a browser while a cell runs."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ipykernel
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from aiplat_jupyter.widgets.losscurve import CURVE_MIME
from aiplat_jupyter.widgets.panel import VIEW_MIME
from tests.lab import Lab
from tests.widgets.conftest import eventually

ROOT = Path(__file__).parents[2]
SETUP = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
from tests.widgets.world import World
from aiplat_jupyter.widgets.feed import Feed
from aiplat_jupyter.widgets.losscurve import LossCurve
world = World()
world.add("a")
world.log("a", "loss", [3.0, 2.0, 1.0])
panel = LossCurve("a", source=Feed(world.open))
panel.settle()
bar = panel.bar.model_id
"""
HAS_SUBSHELLS = ipykernel.version_info >= (7,)


@pytest.fixture
def kernel() -> Iterator[BlockingKernelClient]:
    manager = KernelManager()
    manager.start_kernel()
    client = manager.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=30)
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def evaluate(kernel: BlockingKernelClient, code: str) -> str:
    reply = kernel.execute_interactive(SETUP, silent=True, user_expressions={"it": code}, timeout=40)
    assert reply["content"]["status"] == "ok", reply["content"]
    return str(eval(reply["content"]["user_expressions"]["it"]["data"]["text/plain"]))


def subshell(kernel: BlockingKernelClient) -> str | None:
    """Return a new subshell, as JupyterLab opens for comms; None where the kernel has none."""
    if not HAS_SUBSHELLS:
        return None
    request = kernel.session.msg("create_subshell_request", {})
    kernel.control_channel.send(request)
    return str(kernel.get_control_msg(timeout=10)["content"]["subshell_id"])


def set_smoothing(kernel: BlockingKernelClient, comm: str, shell: str | None) -> None:
    message = {"kind": "set", "name": "smoothing", "value": "mean"}
    data = {"method": "custom", "content": message}
    request = kernel.session.msg("comm_msg", {"comm_id": comm, "data": data})
    request["header"]["subshell_id"] = shell
    kernel.shell_channel.send(request)


def seconds_until_taken(kernel: BlockingKernelClient, comm: str) -> float:
    """Return how long it took until the kernel wrote `seen` to the bar's comm."""
    start = time.monotonic()
    while True:
        content = kernel.get_iopub_msg(timeout=30)["content"]
        if content.get("comm_id") == comm and "seen" in content.get("data", {}).get("state", {}):
            return time.monotonic() - start


@pytest.mark.parametrize("shell", ["subshell", "main"])
def test_a_slider_answers_while_the_cell_runs_or_as_soon_as_it_ends(kernel: BlockingKernelClient, shell: str) -> None:
    comm = evaluate(kernel, "bar")
    target = subshell(kernel) if shell == "subshell" else None
    kernel.execute("import time\nend = time.monotonic() + 4\nwhile time.monotonic() < end: sum(range(1000))")
    time.sleep(0.5)
    set_smoothing(kernel, comm, target)
    waited = seconds_until_taken(kernel, comm)
    if target is None:
        assert waited > 2.5, "the main shell is busy"
    else:
        assert waited < 2.5, "a subshell answers beside the cell"


def test_a_notebook_saves_the_curve(tmp_path: Path) -> None:
    sources = [
        "import aiplat_jupyter as aiplat\nexp = aiplat.init(project='digits', name='mlp')\nexp",
        "for step in range(50): exp.log({'loss': 1 / (step + 1)})\nexp.finish()",
    ]
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    with Lab(tmp_path, "jupyter_server") as lab:
        eventually(lambda: list(lab.data_dir.glob("servers/*.json")), 20)
        NotebookClient(notebook, timeout=60).execute(env=lab.environment())
    (output,) = notebook.cells[0].outputs
    saved: dict[str, Any] = output["data"]
    assert set(saved) == {CURVE_MIME, VIEW_MIME, "text/plain", "image/png"}
    assert saved["text/plain"] == "LossCurve(mlp; loss 0.02 @ 49; finished)"
    assert saved[CURVE_MIME]["metrics"] == ["loss"]
