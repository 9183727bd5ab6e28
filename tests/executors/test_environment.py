"""The environment of a job."""

import json
from typing import Any

import pytest

from aiplat_jupyter.core.tasks import TaskSpec
from aiplat_jupyter.executors.environment import environment


def made(spec: TaskSpec | None = None, **facts: Any) -> dict[str, str]:
    usual = {
        "task": "t1",
        "attempt": "a1",
        "project": "digits",
        "name": "first",
        "directory": "/d/t1/1",
        "data_dir": "/d",
        "gpus": (),
        "base": {"PATH": "/bin"},
    }
    return environment(spec or TaskSpec(kind="command", command=["ls"]), **{**usual, **facts})


@pytest.mark.parametrize(
    "name",
    [
        "JUPYTERHUB_API_TOKEN",
        "JPY_API_TOKEN",
        "JPY_SESSION_NAME",
        "JUPYTER_TOKEN",
        "CONFIGPROXY_AUTH_TOKEN",
        "JUPYTERHUB_CRYPT_KEY",
        "AIPLAT_TOKEN",
        "AIPLAT_SERVER_FILE",
        "AIPLAT_EXPERIMENT",
        "AIPLAT_JOB",
        "KERNEL_USERNAME",
    ],
)
def test_what_is_the_servers_own_stays_with_it(name: str) -> None:
    assert name not in made(base={name: "x"})


@pytest.mark.parametrize("name", ["PATH", "JUPYTER_PATH", "JUPYTERHUB_USER", "HF_TOKEN", "LD_LIBRARY_PATH"])
def test_the_rest_is_passed_on(name: str) -> None:
    assert made(base={name: "x"})[name] == "x"


def test_the_job_knows_who_it_is() -> None:
    found = made()
    assert {name: value for name, value in found.items() if name.startswith("AIPLAT_")} == {
        "AIPLAT_TASK": "a1",
        "AIPLAT_TASK_OF": "t1",
        "AIPLAT_TASK_DIR": "/d/t1/1",
        "AIPLAT_PROJECT": "digits",
        "AIPLAT_NAME": "first",
        "AIPLAT_DATA_DIR": "/d",
    }
    assert found["PYTHONUNBUFFERED"] == "1"


def test_gpus_are_named_by_uuid_and_hidden_if_there_are_none() -> None:
    assert made(gpus=["GPU-a", "MIG-b"])["CUDA_VISIBLE_DEVICES"] == "GPU-a,MIG-b"
    assert made(gpus=["GPU-a"])["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    assert made(base={"CUDA_VISIBLE_DEVICES": "3"})["CUDA_VISIBLE_DEVICES"] == ""
    assert "CUDA_VISIBLE_DEVICES" not in made(gpus=None)


def test_the_tasks_variables_come_before_the_servers() -> None:
    spec = TaskSpec(kind="command", command=["ls"], env={"PATH": "/mine", "PYTHONUNBUFFERED": "", "HF_TOKEN": "t"})
    found = made(spec)
    assert (found["PATH"], found["PYTHONUNBUFFERED"], found["HF_TOKEN"]) == ("/mine", "", "t")


def test_parameters_are_passed_as_json() -> None:
    found = made(TaskSpec(kind="notebook", notebook="a.ipynb", parameters={"a": [1, None, "ü"]}))
    assert json.loads(found["AIPLAT_PARAMETERS"]) == {"a": [1, None, "ü"]}
