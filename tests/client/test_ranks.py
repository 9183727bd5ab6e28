"""Ranks of a distributed run find one experiment without talking to each other."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from aiplat_jupyter.client.opening import init
from aiplat_jupyter.client.ranks import Rank, Uids, shared_uids, this_rank
from aiplat_jupyter.core.frames import Opened, Rewound
from aiplat_jupyter.core.ids import is_uid
from tests.client.fake_server import points, records

TORCHRUN = {"WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "4", "TORCHELASTIC_RUN_ID": "none", "MASTER_PORT": "29500"}
SLURM = {"SLURM_STEP_NUM_TASKS": "4", "SLURM_JOB_ID": "77", "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_NODES": "2"}


@pytest.mark.parametrize(
    ("env", "rank"),
    [
        ({}, None),
        ({"RANK": "0", "WORLD_SIZE": "1"}, None),
        ({"RANK": "2", "WORLD_SIZE": "4"}, Rank(2, 4, 0)),
        ({"RANK": "2", "WORLD_SIZE": "4", "TORCHELASTIC_RESTART_COUNT": "3"}, Rank(2, 4, 3)),
        ({"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2"}, Rank(1, 2, 0)),
        ({"PMI_RANK": "1", "PMI_SIZE": "2"}, Rank(1, 2, 0)),
        ({"SLURM_PROCID": "3", **SLURM}, Rank(3, 4, 0)),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "4", "SLURM_JOB_ID": "77"}, None),  # the batch script itself
        ({"RANK": "first", "WORLD_SIZE": "4"}, None),
    ],
)
def test_launchers(env: Mapping[str, str], rank: Rank | None) -> None:
    assert this_rank(env) == rank


def everyone(env: Mapping[str, str], count: int = 0, restarts: int = 0) -> set[Uids | None]:
    return {shared_uids(Rank(number, 4, restarts), count, {**env, "RANK": str(number)}) for number in range(4)}


@pytest.mark.parametrize("env", [TORCHRUN, SLURM, {"AIPLAT_EXPERIMENT": "mine"}])
def test_all_find_the_same_and_runs_differ(env: Mapping[str, str]) -> None:
    [first] = everyone(env)
    [second] = everyone(env, count=1)
    [restarted] = everyone(env, restarts=1)
    assert first
    assert second
    assert restarted
    assert is_uid(first.experiment)
    assert is_uid(first.attempt)
    assert first.attempt != second.attempt
    assert restarted.experiment == first.experiment
    assert restarted.attempt != first.attempt
    assert (second.experiment == first.experiment) == ("AIPLAT_EXPERIMENT" in env)


def test_jobs_differ() -> None:
    assert everyone(SLURM) != everyone({**SLURM, "SLURM_JOB_ID": "78"})
    assert everyone(SLURM) != everyone({**SLURM, "SLURM_STEP_ID": "1"})


def test_several_nodes_without_anything_in_common() -> None:
    assert everyone({"WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2"}) == {None}


def test_other_ranks_log_nothing_unless_asked(monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> None:
    for name, value in {**TORCHRUN, "RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    exp = init()
    exp.log({"x": 1.0})
    exp.config["lr"] = 1
    assert exp.history is not None
    assert not exp.should_stop
    exp.finish()
    assert not (data_dir / "journals").exists()


def test_ranks_that_cannot_agree_say_how(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    for name, value in {"RANK": "1", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    init(all_ranks=True).log({"x": 1.0})
    assert caplog.text.count("AIPLAT_EXPERIMENT") == 1


LAUNCH = """
import os, subprocess, sys
code = '''
import os, aiplat_jupyter as aiplat
exp = aiplat.init(name="dist", all_ranks=True)
exp.log({"x": float(os.environ["RANK"])}, step=0)
exp.rewind(0)
'''
shared = dict(os.environ, WORLD_SIZE="3", LOCAL_WORLD_SIZE="3")
workers = [subprocess.Popen([sys.executable, "-c", code], env=dict(shared, RANK=str(rank))) for rank in range(3)]
sys.exit(max(worker.wait() for worker in workers))
"""


def test_a_launched_run_is_one_experiment(data_dir: Path) -> None:
    subprocess.run([sys.executable, "-c", LAUNCH], check=True, env=os.environ)
    found = [path.read_bytes() for path in (data_dir / "journals").glob("*.journal")]
    opened = [record for data in found for record in records(data) if isinstance(record, Opened)]
    assert len({(one.experiment, one.attempt) for one in opened}) == 1
    assert {(one.rank, one.joins) for one in opened} == {(None, False), (1, True), (2, True)}
    rewound = [record for data in found for record in records(data) if isinstance(record, Rewound)]
    assert (len(rewound), len({one.attempt for one in rewound})) == (3, 1)
    assert sorted(point.values["x"] for data in found for point in points(data)) == [0.0, 1.0, 2.0]
    ends = [data for data in found if any(type(record).__name__ == "Status" for record in records(data))]
    assert len(ends) == 1
