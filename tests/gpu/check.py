"""Checks of the sampler that hold on any machine with GPUs: ``python -m tests.gpu.check`` runs them on this one.

Prints what it saw, with times, and ends with an error where something is not as it should be. The tests run the same on
the pretended driver.
"""

import sys
import time
from collections.abc import Mapping
from itertools import pairwise
from typing import Final

import psutil

from aiplat_jupyter.core.gpu import GpuDevice, Reading, Sample
from tests.gpu.sampled import Sampled

BEATS: Final = 5
LATEST: Final = 0.5
"""Seconds that a sample may be late."""
RANGES: Final = {
    "utilization": (0, 100),
    "memory_used": (0, 1e13),
    "memory_total": (1, 1e13),
    "temperature": (1, 130),
    "temperature_limit": (50, 130),
    "power": (0, 3_000),
    "power_limit": (1, 3_000),
    "fan": (0, 150),
    "clock_sm": (0, 10_000),
    "clock_memory": (0, 20_000),
    "ecc_uncorrected": (0, 1e9),
    "pcie_received": (0, 1e12),
    "pcie_sent": (0, 1e12),
}


def check(environment: Mapping[str, str]) -> list[str]:
    """Return what was seen, line by line. Raise `AssertionError` for what is wrong."""
    with Sampled(environment, interval=1.0) as sampled:
        begun = time.monotonic()
        first = sampled.until(lambda sample: sample.state != "starting", patience=30)
        lines = [f"first sample after {time.monotonic() - begun:.2f} s: {first.state}, driver {first.driver}"]
        assert first.state == "ok", (first.state, first.detail)
        lines += [line for device in first.devices for line in _checked(device, with_pcie=False)]
        _check_as_a_whole(first)
        lines.append(_beat(sampled))
        sampled.order(1.0, details=True)
        detailed = sampled.until(lambda sample: any(device.pcie_sent.reason != "unknown" for device in sample.devices))
        lines += [f"PCIe of GPU {one.index}: {one.pcie_received} in, {one.pcie_sent} out" for one in detailed.devices]
        begun = time.monotonic()
        assert sampled.hang_up() == 0
        return [*lines, f"ended {time.monotonic() - begun:.2f} s after its input"]


def _checked(device: GpuDevice, *, with_pcie: bool) -> list[str]:
    """Say what a GPU tells, having seen that each reading is a value that can be, or has a reason."""
    lines = [f"GPU {device.index} {device.name} {device.uuid} {device.state}"]
    for name, (least, most) in RANGES.items():
        reading: Reading = getattr(device, name)
        if name.startswith("pcie") and not with_pcie:
            continue
        assert (reading.value is None) == bool(reading.reason), (name, reading)
        assert reading.value is None or least <= reading.value <= most, (name, reading)
        lines.append(f"    {name}: {reading.reason or reading.value}")
    processes = [(one.pid, one.name, one.memory.value, one.is_foreign) for one in device.processes]
    return [*lines, f"    throttle: {device.throttle}", f"    processes: {processes} {device.processes_reason}"]


def _check_as_a_whole(sample: Sample) -> None:
    uuids = [device.uuid for device in sample.devices]
    assert uuids
    assert len(set(uuids)) == len(uuids)
    assert all(device.parent is None or device.parent in uuids for device in sample.devices)
    assert sample.system is not None
    own = {one.pid for device in sample.devices for one in device.processes if not one.is_foreign}
    assert own == set(sample.lineages)


def _beat(sampled: Sampled) -> str:
    """Say how punctual samples are, and what they cost."""
    process = psutil.Process(sampled.process.pid)
    before = process.cpu_times()
    times = [sampled.next().at for _ in range(BEATS)]
    after = process.cpu_times()
    spent = after.user + after.system - before.user - before.system
    late = max(later - earlier for earlier, later in pairwise(times)) - 1.0
    assert late < LATEST, times
    return f"{BEATS} samples, {1e3 * spent / BEATS:.1f} ms CPU each, {1e3 * late:.0f} ms late at most"


if __name__ == "__main__":
    try:
        print(*check({}), sep="\n")
    except AssertionError as error:
        sys.exit(f"not as it should be: {error}")
