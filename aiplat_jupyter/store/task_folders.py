"""The folder of tasks: ``{task}/{number}/`` for each attempt, with its log and what else it leaves."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from aiplat_jupyter.core.ids import is_uid


class TaskFolders:
    """Where the attempts of this machine's tasks are. Removal blocks."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, task: str, number: int) -> Path:
        """Return where an attempt's folder is, or would be."""
        return self.root / task / str(number)

    def remove(self, task: str, directories: Iterable[str] = ()) -> int:
        """Remove all of a task, also what another server of this machine put elsewhere; return the bytes freed."""
        elsewhere = {Path(directory).parent for directory in directories if directory}
        mine = {self.root / task} | {folder for folder in elsewhere if folder.parts[-2:] == (self.root.name, task)}
        freed = 0
        for folder in mine if is_uid(task) else ():
            freed += sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file() or file.is_symlink())
            shutil.rmtree(folder, ignore_errors=True)
        return freed
