"""Distributed training: which rank this process is, and how the ranks agree on one experiment without talking."""

import os
import sys
from collections.abc import Mapping
from typing import Final, NamedTuple

from aiplat_jupyter.client.process import boot_id, start_time
from aiplat_jupyter.core.ids import uid_of

_LAUNCHERS: Final = (
    ("RANK", "WORLD_SIZE"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("PMI_RANK", "PMI_SIZE"),
    ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
)
"""Variables of torchrun, Open MPI, MPICH and Slurm. Slurm sets the last only in steps that ``srun`` starts."""
_LOCAL_SIZE: Final = ("LOCAL_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS")
_LOCAL: Final = ("LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID")
_RESTARTS: Final = ("TORCHELASTIC_RESTART_COUNT", "SLURM_RESTART_COUNT")
_LAUNCH: Final = ("TORCHELASTIC_RUN_ID", "MASTER_ADDR", "MASTER_PORT", "SLURM_JOB_ID", "SLURM_STEP_ID")


class Rank(NamedTuple):
    """The number of this process among `size`, and how often the whole run was restarted by its launcher."""

    number: int
    size: int
    restarts: int


class Uids(NamedTuple):
    """What all ranks must name alike."""

    experiment: str
    attempt: str


def this_rank(env: Mapping[str, str] = os.environ) -> Rank | None:
    """Return the rank that the launcher (torchrun, Slurm, Open MPI, MPICH) gave; None for a process on its own."""
    for rank, world in _LAUNCHERS:
        number, size = _number(env, (rank,)), _number(env, (world,))
        if number is not None and size is not None:
            return Rank(number, size, _number(env, _RESTARTS) or 0) if size > 1 else None
    return None


def is_first_here(env: Mapping[str, str] = os.environ) -> bool:
    """Tell whether this process is the first of its machine: rank 0, or the one that the launcher numbers 0 there."""
    rank = this_rank(env)
    return rank is None or rank.number == 0 or _number(env, _LOCAL) == 0


def shared_uids(rank: Rank, count: int, env: Mapping[str, str] = os.environ) -> Uids | None:
    """Return the uids that every rank finds for the `count`-th experiment it opens; None if they cannot agree.

    What they have in common: the experiment that ``AIPLAT_EXPERIMENT`` names, else the parent process if all are on
    one machine, else the Slurm job step. In a task the experiment is that of the task and the command, so that it
    outlasts a retry.
    """
    launch = [env.get(name, "") for name in _LAUNCH]
    if named := env.get("AIPLAT_EXPERIMENT"):
        return Uids(named, uid_of(named, *launch, rank.restarts, count))
    if _number(env, _LOCAL_SIZE) == rank.size or env.get("SLURM_STEP_NUM_NODES") == "1":
        parent = os.getppid()
        family = [boot_id(), str(parent), str(start_time(parent))]
    elif "SLURM_JOB_ID" in env:
        family = [env["SLURM_JOB_ID"], env.get("SLURM_STEP_ID", ""), env.get("SLURM_CLUSTER_NAME", "")]
    else:
        return None
    origin = [env["AIPLAT_TASK_OF"], *_command()] if "AIPLAT_TASK_OF" in env else family
    return Uids(uid_of("experiment", *origin, count), uid_of("attempt", *family, count, rank.restarts))


def _command() -> list[str]:
    """Return the command line without what launchers tell each rank by an argument of its own."""
    return [word for word in sys.argv if not word.startswith(("--local_rank", "--local-rank"))]


def _number(env: Mapping[str, str], names: tuple[str, ...]) -> int | None:
    values = (env.get(name, "") for name in names)
    return next((int(value) for value in values if value.isdecimal()), None)
