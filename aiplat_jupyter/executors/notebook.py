"""Runs a notebook from top to bottom: ``python -m aiplat_jupyter.executors.notebook NOTEBOOK [--kernel NAME]``.

Parameters (JSON in ``AIPLAT_PARAMETERS``) are set in a cell behind the one tagged ``parameters``, as papermill does.
What the cells print goes to this process's own output as it comes. In the folder ``AIPLAT_TASK_DIR`` the notebook with
its outputs (``output.ipynb``) and how far it is (``progress.json``) are kept up to date with every cell.
"""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any, Final

import msgspec
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbclient.util import ensure_async
from nbformat import NotebookNode
from traitlets.config import Config

from aiplat_jupyter.core.tasks import Progress

MAX_KEPT: Final = 1_000_000
"""Characters of a cell's printed output that the notebook keeps; the log has all of them."""


class Stopped(Exception):
    """Someone asked this process to end."""


class Runner(NotebookClient):
    """Executes the cells of a notebook, tells their output, and saves as it goes."""

    def __init__(self, notebook: NotebookNode, folder: Path, cwd: str, kernel: str) -> None:
        name: dict[str, Any] = {"kernel_name": kernel} if kernel else {}
        config = Config(KernelManager={"transport_encryption": "auto"})
        super().__init__(notebook, timeout=None, resources={"metadata": {"path": cwd}}, config=config, **name)
        self._folder = folder
        self._numbers = {i: n for n, i in enumerate((i for i, c in enumerate(notebook.cells) if _runs(c)), start=1)}
        self._kept = 0
        self._is_stopping = False

    async def run(self) -> int:
        """Run all cells; return the exit code: 1 after an error, 128 + signal if stopped or if the kernel died."""
        self._save(done=0)
        async with self.async_setup_kernel():
            for each in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(each, self._stop)
            try:
                for index, number in self._numbers.items():
                    await self._run_cell(index, number)
            except Stopped:
                return 128 + signal.SIGTERM
            except CellExecutionError:
                return 128 + signal.SIGTERM if self._is_stopping else 1
            except DeadKernelError:
                return await self._cause_of_death()
            finally:
                self.set_widgets_metadata()
                self._save_notebook()
        return 0

    async def _run_cell(self, index: int, number: int) -> None:
        if self._is_stopping:
            raise Stopped
        print(f"[cell {number}/{len(self._numbers)}]", flush=True)
        self._kept = 0
        try:
            await self.async_execute_cell(self.nb.cells[index], index, execution_count=number)
        finally:
            self._save_notebook()
        self._save(done=number)

    def _stop(self) -> None:
        self._is_stopping = True
        assert self.km is not None
        self._interruption = asyncio.ensure_future(ensure_async(self.km.interrupt_kernel()))

    async def _cause_of_death(self) -> int:
        assert self.km is not None
        assert self.km.provisioner is not None
        code = await self.km.provisioner.poll()
        print(f"The kernel died with exit code {code}.", file=sys.stderr, flush=True)
        return 128 - code if code and code < 0 else code or 1

    def output(self, outs: list[NotebookNode], msg: dict[str, Any], display_id: str | None, cell_index: int) -> Any:
        """Tell a cell's output, and keep it in the notebook unless that is too much."""
        content = msg["content"]
        if msg["msg_type"] != "stream":
            _tell(msg["msg_type"], content)
            return super().output(outs, msg, display_id, cell_index)
        print(content["text"], end="", file=sys.stderr if content["name"] == "stderr" else sys.stdout, flush=True)
        if self._kept > MAX_KEPT:
            return None
        self._kept += len(content["text"])
        if self._kept > MAX_KEPT:
            content["text"] += "\n[the rest is in the task's log]\n"
        return super().output(outs, msg, display_id, cell_index)

    def _save(self, *, done: int) -> None:
        total = len(self._numbers)
        _replace(self._folder / "progress.json", msgspec.json.encode(Progress(done=done, total=total, text="cells")))

    def _save_notebook(self) -> None:
        _replace(self._folder / "output.ipynb", nbformat.writes(self.nb).encode())


def with_parameters(notebook: NotebookNode, parameters: dict[str, Any]) -> NotebookNode:
    """Return the notebook with a cell that sets the parameters, in the place of the one an earlier run left."""
    if not parameters:
        return notebook
    if (language := notebook.metadata.get("kernelspec", {}).get("language", "python")) != "python":
        raise ValueError(f"parameters can be set in Python notebooks only, not in {language}")
    cells = [cell for cell in notebook.cells if "injected-parameters" not in _tags(cell)]
    behind = next((i + 1 for i, cell in enumerate(cells) if "parameters" in _tags(cell)), 0)
    source = "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
    cells.insert(behind, nbformat.v4.new_code_cell(source, metadata={"tags": ["injected-parameters"]}))
    notebook.cells = cells
    return notebook


def _tags(cell: NotebookNode) -> list[str]:
    tags: list[str] = cell.metadata.get("tags", [])
    return tags


def _runs(cell: NotebookNode) -> bool:
    return bool(cell.cell_type == "code" and cell.source.strip())


def _tell(kind: str, content: dict[str, Any]) -> None:
    if kind == "error":
        print(*(content["traceback"] or [f"{content['ename']}: {content['evalue']}"]), sep="\n", flush=True)
    elif text := content.get("data", {}).get("text/plain"):
        print(text, flush=True)


def _replace(path: Path, data: bytes) -> None:
    part = path.with_suffix(".part")
    part.write_bytes(data)
    part.replace(path)


def main() -> int:
    """Run the notebook that the command line names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--kernel", default="")
    given = parser.parse_args()
    parameters = msgspec.json.decode(os.environ.pop("AIPLAT_PARAMETERS", "{}"), type=dict[str, Any])
    os.environ["JPY_SESSION_NAME"] = str(given.notebook)
    try:
        notebook = nbformat.v4.upgrade(nbformat.read(given.notebook, as_version=4))
        notebook = with_parameters(notebook, parameters)
    except (OSError, ValueError, nbformat.ValidationError) as error:
        print(f"{given.notebook}: {error}", file=sys.stderr)
        return 1
    return asyncio.run(Runner(notebook, Path(os.environ["AIPLAT_TASK_DIR"]), str(Path.cwd()), given.kernel).run())


if __name__ == "__main__":
    sys.exit(main())
