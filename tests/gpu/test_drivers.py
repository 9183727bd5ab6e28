"""GPUs of several vendors in one machine: how they are counted, and what a driver that is missing means for others."""

from aiplat_jupyter.core.gpu import GpuDevice, MonitorState
from aiplat_jupyter.core.ports import DriverProblem
from aiplat_jupyter.gpu.sampler import Drivers


class Pretended:
    """A `core.ports.GpuSource` of two GPUs, if its driver is there."""

    def __init__(self, name: str, *, is_there: bool = True) -> None:
        self.driver = name
        self.is_there = is_there
        self.opened = 0

    def open(self) -> None:
        if not self.is_there:
            raise DriverProblem("no_driver", f"There is no {self.driver}.")
        self.opened += 1

    def read(self, *, is_slow: bool, details: bool) -> list[GpuDevice]:
        whole = [GpuDevice(uuid=f"{self.driver}-{index}", index=index, name="GPU") for index in range(2)]
        return [*whole, GpuDevice(uuid=f"{self.driver}-part", index=1, name="GPU", parent=whole[1].uuid)]


def told(drivers: Drivers) -> tuple[MonitorState, str, dict[str, int]]:
    """Ask once; return the state, the driver, and the numbers of all GPUs."""
    drivers.ask(1.0, details=False)
    drivers.wait(10.0)
    answer = drivers.told(is_stalled=False)
    return drivers.state(1.0)[0], answer.driver, {device.uuid: device.index for device in answer.devices}


def test_gpus_are_counted_over_all_vendors() -> None:
    one, other = Pretended("one"), Pretended("other")
    indices = {"one-0": 0, "one-1": 1, "one-part": 1, "other-0": 2, "other-1": 3, "other-part": 3}
    assert told(Drivers([one, other], retry=60.0)) == ("ok", "one", indices)


def test_a_driver_that_comes_is_found_beside_another() -> None:
    late, other = Pretended("late", is_there=False), Pretended("other")
    drivers = Drivers([late, other], retry=0.0)
    assert told(drivers) == ("ok", "other", {"other-0": 0, "other-1": 1, "other-part": 1})
    late.is_there = True
    state, driver, indices = told(drivers)
    assert (state, driver, indices["late-0"], indices["other-0"]) == ("ok", "late", 0, 2)
    assert told(drivers)[0] == "ok"
    assert (late.opened, other.opened) == (1, 1)
