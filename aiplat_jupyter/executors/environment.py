"""The environment of a task's job: the server's without what is Jupyter's own, and what tells the job who it is."""

import os
import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from aiplat_jupyter.core.tasks import TaskSpec

RESERVED: Final = frozenset(
    {
        "AIPLAT_TASK",
        "AIPLAT_TASK_OF",
        "AIPLAT_TASK_DIR",
        "AIPLAT_PROJECT",
        "AIPLAT_NAME",
        "AIPLAT_DATA_DIR",
        "AIPLAT_PARAMETERS",
        "AIPLAT_JOB",
        "CUDA_DEVICE_ORDER",
        "CUDA_VISIBLE_DEVICES",
    }
)
"""Variables that are set for every task, whatever its `env` says."""
_JUPYTERS: Final = re.compile(
    r"JPY_.*|KERNEL_.*|JUPYTER\w*(TOKEN|SECRET|PASSWORD|COOKIE|CRYPT)\w*|CONFIGPROXY_AUTH_TOKEN"
    r"|AIPLAT_(?!DATA_DIR$).*"
)
"""Secrets that open the server or the hub, and what speaks of this server alone."""


def environment(
    spec: TaskSpec,
    *,
    task: str,
    attempt: str,
    project: str,
    name: str,
    directory: str,
    data_dir: str,
    gpus: Sequence[str] | None,
    base: Mapping[str, str] = os.environ,
) -> dict[str, str]:
    """Return the whole environment of an attempt's job.

    Parameters
    ----------
    task, attempt : their uids; `project` and `name` as people see them.
    directory : the attempt's folder.
    gpus : UUIDs of those it may use; None: its executor sees to them.
    base : the server's environment.
    """
    inherited = {key: value for key, value in base.items() if not _JUPYTERS.fullmatch(key)}
    own = {
        "AIPLAT_TASK": attempt,
        "AIPLAT_TASK_OF": task,
        "AIPLAT_TASK_DIR": directory,
        "AIPLAT_PROJECT": project,
        "AIPLAT_NAME": name,
        "AIPLAT_DATA_DIR": data_dir,
    }
    if spec.kind == "notebook":
        own["AIPLAT_PARAMETERS"] = msgspec.json.encode(spec.parameters).decode()
    if gpus is not None:
        own |= {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": ",".join(gpus)}
    return {**inherited, "PYTHONUNBUFFERED": "1", **spec.env, **own}
