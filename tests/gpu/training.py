"""Training on a real GPU, through a real server: ``python -m tests.gpu.training FOLDER``. Needs torch and a free GPU.

A task that trains while another one waits for its GPU; a notebook beside; a task that runs out of memory, one that
trips an assertion on the GPU, one that is killed. Prints what the platform told of each, and ends with an error where
it is not as it should be. FOLDER keeps the database, to look at.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

from jupyter_client.blocking.client import BlockingKernelClient

from tests.lab import Lab

TRAIN: Final = """
import json, os, sys, time, torch
import aiplat_jupyter as aiplat

exp = aiplat.init(config={"lr": 1e-3, "width": 4096})
torch.manual_seed(0)
width, kept = exp.config["width"], []
layers = [torch.nn.Linear(512, width), torch.nn.GELU(), torch.nn.Linear(width, width), torch.nn.GELU()]
model = torch.nn.Sequential(*layers, torch.nn.Linear(width, 10)).cuda()
optimizer = torch.optim.AdamW(model.parameters(), lr=exp.config["lr"])
step = 0
for seconds, pause in ((16, 8), (16, 0)):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        x = torch.randn(4096, 512, device="cuda")
        loss = torch.nn.functional.cross_entropy(model(x), x[:, :10].argmax(1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        exp.log({"loss": loss}, step=step)
        kept.append(loss.detach())
        if step % 100 == 0:
            print(f"INFO step {step} loss {loss.item():.4f}", flush=True)
        step += 1
    print(f"INFO on the CPU for {pause} s", flush=True)
    time.sleep(pause)
facts = {
    "given": os.environ["CUDA_VISIBLE_DEVICES"],
    "count": torch.cuda.device_count(),
    "uuid": str(torch.cuda.get_device_properties(0).uuid),
    "peak": torch.cuda.max_memory_allocated(),
    "losses": torch.stack(kept).double().tolist(),
}
with open(sys.argv[1], "w") as file:
    json.dump(facts, file)
exp.finish()
"""
COST: Final = """
import random, statistics, time, torch
import aiplat_jupyter as aiplat

exp = aiplat.init(name="cost")
model = torch.nn.Sequential(torch.nn.Linear(512, 1024), torch.nn.GELU(), torch.nn.Linear(1024, 10)).cuda()
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
x = torch.randn(1024, 512, device="cuda")
y = x[:, :10].argmax(1)

def step(end):
    loss = torch.nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    end(loss)

def block(end, steps=1000):
    exp.flush()
    torch.cuda.synchronize()
    begun = time.perf_counter()
    for _ in range(steps):
        step(end)
    torch.cuda.synchronize()
    return (time.perf_counter() - begun) / steps

ends = {
    "nothing": lambda loss: None,
    "loss.item()": lambda loss: loss.item(),
    "log(loss)": lambda loss: exp.log({"loss": loss}),
    "log(loss.item())": lambda loss: exp.log({"loss": loss.item()}),
}
for end in ends.values():
    block(end)
times = {name: [] for name in ends}
for _ in range(10):
    for name in random.sample(list(ends), len(ends)):
        times[name].append(block(ends[name]))
bare = statistics.median(times["nothing"])
for name, found in times.items():
    found = statistics.median(found)
    more = f"{1e6 * (found - bare):+.1f} us = {found / bare - 1:+.1%}"
    print(f"a step that ends with {name}: {1e6 * found:.0f} us, {more}")
exp.finish()
"""
CELL: Final = """
import torch
import aiplat_jupyter as aiplat
exp = aiplat.init(project="gpu", name="from a notebook")
held = torch.ones(2**30, device="cuda")
exp.log({"sum": held.sum()})
"""
TOO_MUCH: Final = "import torch\ntorch.ones(2**40, device='cuda')"
ASSERTS: Final = "import torch\ntorch.zeros(4, device='cuda')[torch.tensor([9], device='cuda')].cpu()"
HOLDS: Final = "import time, torch\nheld = torch.ones(2**30, device='cuda')\nprint('held', flush=True)\ntime.sleep(600)"
GIB: Final = 2**30
T = TypeVar("T")


def main(folder: Path) -> None:
    with Lab(folder, "jupyter_server") as lab:
        train(lab)
        notebook(lab)
        failures(lab)
        cost(lab)
        history(lab)


def train(lab: Lab) -> None:
    """One task trains, and one waits for its GPU."""
    device = until(lambda: device_of(lab), "a GPU")
    say("GPU", device["name"], device["uuid"], f"{device['memory_used']['value'] / GIB:.2f} GiB used before")
    facts = lab.home / "facts.json"
    uid = submit(lab, "train", TRAIN, str(facts))
    other = submit(lab, "waits", "print('my turn')")
    held = until(lambda: holder(lab, "task", uid), "the GPU's process to be the task's", 60)
    experiment = until(lambda: lab.api(f"tasks/{uid}")["experiment"], "the task's experiment")
    busy = until(lambda: (told := device_of(lab))["utilization"]["value"] > 50 and told, "a busy GPU")
    readings = {
        name: busy[name]["value"] for name in ("utilization", "memory_used", "temperature", "power", "clock_sm")
    }
    say("while it trains:", readings, "throttle", busy["throttle"], "process", held["memory"], held["name"])
    assert held["holder"]["experiment"] == experiment, held
    assert held["holder"]["task_name"] == "train", held
    waiting = lab.api(f"tasks/{other}")
    say("the second task:", waiting["state"], waiting["reason"], waiting["detail"])
    assert waiting["state"] == "queued", waiting
    ended(lab, uid, "succeeded")
    told = json.loads(facts.read_text())
    say("it was given", told["given"], "and saw", told["count"], told["uuid"])
    assert (told["count"], told["given"]) == (1, device["uuid"])
    assert device["uuid"].endswith(told["uuid"])
    assert readings["memory_used"] > told["peak"] / 2
    ended(lab, other, "succeeded")
    points(lab, experiment, told["losses"])
    beside(lab, experiment)


def points(lab: Lab, experiment: str, losses: list[float]) -> None:
    """Each loss that was logged on the GPU is there, as torch has it."""
    stored: list[float] = []
    query = f"experiments/{experiment}/history?metrics=loss"
    answer = lab.api(query)
    while True:
        stored += answer["value"]
        if not answer.get("next_cursor"):
            break
        answer = lab.api(f"{query}&cursor={answer['next_cursor']}")
    say(f"{len(losses):,} losses logged as tensors of the GPU, {len(stored):,} stored")
    assert stored == losses


def beside(lab: Lab, experiment: str) -> None:
    """The GPU's readings are metrics of the experiment."""
    series = {each["metric"]: each for each in lab.api(f"experiments/{experiment}/metrics")}
    of_gpu = {name: each for name, each in series.items() if name.startswith("system/gpu.0.")}
    for name, each in of_gpu.items():
        say("   ", name, {key: each[key] for key in ("min", "max", "last", "count") if key in each})
    assert {"system/gpu.0.util", "system/gpu.0.memory", "system/gpu.0.power"} <= of_gpu.keys(), series.keys()
    assert of_gpu["system/gpu.0.util"]["max"] > 50


def notebook(lab: Lab) -> None:
    """A kernel that holds memory is told by its notebook's path; shut down, it holds nothing."""
    lab.write_notebook("train.ipynb", CELL)
    kernel = lab.start_kernel("train.ipynb")
    client = BlockingKernelClient(connection_file=str(lab.home / "runtime" / f"kernel-{kernel}.json"))
    client.load_connection_file()
    client.start_channels()
    client.wait_for_ready(60)
    reply = client.execute_interactive(CELL, timeout=120, output_hook=lambda message: None)
    assert reply["content"]["status"] == "ok", reply
    held = until(lambda: holder(lab, "kernel", kernel), "the GPU's process to be the notebook's")
    say("a notebook:", {name: held["holder"][name] for name in ("notebook", "experiment_name")}, held["memory"])
    assert held["holder"]["notebook"] == "train.ipynb", held
    assert held["holder"]["experiment_name"] == "from a notebook", held
    queued = submit(lab, "waits for the notebook", "print('my turn')")
    time.sleep(5)
    waiting = lab.api(f"tasks/{queued}")
    say("a task beside the notebook:", waiting["state"], waiting["reason"], waiting["detail"])
    assert waiting["state"] == "queued", "a GPU that a notebook uses was given away"
    client.stop_channels()
    lab.end_kernel(kernel)
    begun = time.monotonic()
    ended(lab, queued, "succeeded")
    say(f"the task ended {time.monotonic() - begun:.1f} s after the kernel was shut down")


def failures(lab: Lab) -> None:
    for name, code in (("out of memory", TOO_MUCH), ("assertion on the GPU", ASSERTS)):
        task = ended(lab, submit(lab, name, code), "failed")
        say(f"{name}:", task["reason"], task["detail"], "exit code", task["exit_code"])
    uid = submit(lab, "killed", HOLDS)
    held = until(lambda: holder(lab, "task", uid), "the GPU's process to be the task's", 60)
    os.kill(held["pid"], signal.SIGKILL)
    begun = time.monotonic()
    until(lambda: not device_of(lab)["processes"], "a GPU that nobody holds")
    task = ended(lab, uid, "failed")
    say(f"killed: {task['reason']} {task['detail']}, GPU seen free after {time.monotonic() - begun:.1f} s")
    device = device_of(lab)
    say("faults that the driver told:", device["xid"], "uncorrected memory errors:", device["ecc_uncorrected"])


def cost(lab: Lab) -> None:
    uid = submit(lab, "cost", COST)
    ended(lab, uid, "succeeded")
    say(*(line["text"] for line in lab.api(f"tasks/{uid}/logs?n=20")["lines"]), sep="\n")


def history(lab: Lab) -> None:
    answer = lab.api("gpu/history?width=60")
    for series in answer["series"]:
        say("history of", series["metric"], [value and round(value) for value in series["mean"]])
    say("alerts:", [(one["name"] or one["preset"], one["state"]) for one in lab.api("alerts/events")["items"]])


def submit(lab: Lab, name: str, code: str, *arguments: str) -> str:
    """Queue Python code that wants a GPU."""
    command = [sys.executable, "-u", "-c", code, *arguments]
    task = {"project": "gpu", "name": name, "kind": "command", "command": command, "gpus": 1}
    uid: str = lab.api("tasks", "POST", task)["uid"]
    return uid


def ended(lab: Lab, uid: str, state: str) -> dict[str, Any]:
    """Wait for a task's end, which shall be this."""
    task: dict[str, Any] = until(lambda: (told := lab.api(f"tasks/{uid}"))["ended_at"] and told, "a task's end", 120)
    assert task["state"] == state, (task, lab.api(f"tasks/{uid}/logs?n=50"))
    return task


def device_of(lab: Lab) -> dict[str, Any] | None:
    devices: list[dict[str, Any]] = lab.api("gpu/status")["devices"]
    return devices[0] if devices else None


def holder(lab: Lab, kind: str, uid: str) -> dict[str, Any] | None:
    """Return the process on the GPU that works for this task or kernel."""
    device = device_of(lab) or {"processes": []}
    return next((one for one in device["processes"] if (one["holder"] or {}).get(kind) == uid), None)


def until(value: Callable[[], T], what: str, patience: float = 30.0) -> T:
    """Return the first true result of `value()`."""
    deadline = time.monotonic() + patience
    while not (found := value()):
        assert time.monotonic() < deadline, f"{what}: not within {patience:.0f} s"
        time.sleep(0.25)
    return found


def say(*what: object, sep: str = " ") -> None:
    print(*what, sep=sep, flush=True)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except AssertionError as error:
        sys.exit(f"not as it should be: {error}")
