"""The sampler: ``python -m aiplat_jupyter.gpu.sampler`` writes a `core.gpu.Sample` as a line of JSON each interval.

It reads `Order` as lines of JSON from its standard input, and ends with that: when whoever started it has gone. With
``--pid`` it tells of that process and all below it as well, and ends with it. Drivers are asked on a thread, so a
driver that hangs silences nothing else; a driver that was replaced under a running process is met by a new one, in the
place of this.
"""

import argparse
import os
import select
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, NamedTuple, NoReturn

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from aiplat_jupyter.core.gpu import GpuDevice, MonitorState, Sample
from aiplat_jupyter.core.ports import DriverProblem, GpuSource
from aiplat_jupyter.gpu.asking import Asking
from aiplat_jupyter.gpu.host import HostReader
from aiplat_jupyter.gpu.processes import Processes, TreeReader
from aiplat_jupyter.gpu.silence import silenced

SLOW_SECONDS: Final = 10.0
"""How often is read what changes slowly."""
OPENING_SECONDS: Final = 15.0
"""How long a driver may take to load."""
FIRST_SECONDS: Final = 1.0
"""How long the first sample waits for the driver; a share of CPU time needs some time, too."""


class Order(Struct, frozen=True, kw_only=True):
    """What the sampler is told: seconds between samples, and whether to read PCIe traffic."""

    interval: float
    details: bool = False


class Options(Struct, frozen=True, kw_only=True):
    """The command line.

    Attributes
    ----------
    pid : tell of this process and all below it; 0: of none.
    folder : whose disk is told of.
    retry : seconds until a driver that could not be asked is tried again.
    """

    interval: float
    details: bool
    pid: int
    folder: str
    retry: float

    def command(self, order: Order) -> list[str]:
        """Return the command line of a process that goes on with the same orders."""
        given = {"interval": order.interval, "pid": self.pid, "folder": self.folder, "retry": self.retry}
        words = [word for name, value in given.items() for word in (f"--{name}", str(value))]
        return [sys.executable, "-P", "-m", __spec__.name, *words, *(["--details"] if order.details else [])]


class _Told(NamedTuple):
    driver: str
    devices: list[GpuDevice]


class Drivers:
    """Asks all sources, on a thread; says what is known while they are silent."""

    def __init__(self, sources: Sequence[GpuSource], retry: float) -> None:
        self._sources = sources
        self._retry = retry
        self._open: list[GpuSource] = []
        self._problem: DriverProblem | None = None
        self._retry_at = 0.0
        self._asking: Asking[_Told] = Asking("drivers")
        self._slow_at = -SLOW_SECONDS
        self._last = _Told("", [])
        self.is_slow = True
        """Whether the last question was for what changes slowly, too."""

    def ask(self, interval: float, *, details: bool) -> None:
        """Ask, unless the last question is still not answered."""
        now = time.monotonic()
        self.is_slow = now - self._slow_at >= SLOW_SECONDS - interval / 2
        if not self._asking.silent_for:
            self._slow_at = now if self.is_slow else self._slow_at
            is_slow = self.is_slow
            self._asking.ask(lambda: self._read(is_slow=is_slow, details=details))

    def wait(self, seconds: float) -> None:
        """Wait for the answer."""
        self._asking.wait(seconds)

    @property
    def must_begin_anew(self) -> bool:
        """Whether only another process could get an answer, and it is time to try."""
        is_over = self._problem is not None and self._problem.is_for_good
        return is_over and not self._asking.silent_for and time.monotonic() >= self._retry_at

    def _read(self, *, is_slow: bool, details: bool) -> _Told:
        if self._problem is not None and self._problem.is_for_good:
            return _Told("", [])
        if len(self._open) < len(self._sources) and time.monotonic() >= self._retry_at:
            self._open_others()
        devices: list[GpuDevice] = []
        try:
            for source in self._open:
                devices += _numbered(source.read(is_slow=is_slow, details=details), devices)
        except DriverProblem as problem:
            self._meet(problem)
        return _Told(next((source.driver for source in self._open), ""), devices)

    def _open_others(self) -> None:
        """Open the sources that are not open; they keep their order, which is that of their GPUs."""
        self._problem = None
        for source in [one for one in self._sources if one not in self._open]:
            try:
                source.open()
                self._open.append(source)
            except DriverProblem as problem:
                self._meet(problem, self._problem)
        self._open = sorted(self._open, key=self._sources.index)

    def _meet(self, problem: DriverProblem, before: DriverProblem | None = None) -> None:
        """Note that a driver cannot be asked. That one is not there is no news beside another that has a problem."""
        self._problem = before if before is not None and problem.state == "no_driver" else problem
        self._retry_at = time.monotonic() + self._retry

    def state(self, interval: float) -> tuple[MonitorState, str]:
        """Say how the drivers are, and in which words."""
        patience = max(3 * interval, 3.0) if self._open else OPENING_SECONDS
        if self._asking.silent_for > patience:
            return "driver_stalled", ""
        if not self._open and self._problem is None:
            return "starting", ""
        if self._problem is not None and (not self._open or self._problem.is_for_good):
            return self._problem.state, self._problem.detail
        return ("ok" if self.told(is_stalled=False).devices else "no_gpu"), ""

    def told(self, *, is_stalled: bool) -> _Told:
        """Return the last answer; while the driver is silent, without what it would have changed."""
        self._last = self._asking.answer or self._last
        return _Told(self._last.driver, silenced(self._last.devices)) if is_stalled else self._last


def _numbered(devices: Sequence[GpuDevice], before: Sequence[GpuDevice]) -> list[GpuDevice]:
    """Count on from the GPUs of another vendor; instances have the number of their GPU."""
    first = max((device.index + 1 for device in before), default=0)
    return [replace(device, index=first + device.index) for device in devices]


class Sampler:
    """Reads, tells and obeys until its end."""

    def __init__(self, options: Options, sources: Sequence[GpuSource]) -> None:
        self._options = options
        self._order = Order(interval=options.interval, details=options.details)
        self._drivers = Drivers(sources, options.retry)
        self._host = HostReader(options.folder)
        self._processes = Processes()
        self._tree = TreeReader(options.pid) if options.pid else None
        self._parent = os.getppid()
        self._heard = b""
        self._due = time.monotonic()

    def run(self) -> None:
        """Sample until there is nobody to tell."""
        self._drivers.ask(self._order.interval, details=self._order.details)
        time.sleep(FIRST_SECONDS / 4)
        self._drivers.wait(FIRST_SECONDS * 3 / 4)
        self._tell()
        while self._obey():
            self._drivers.ask(self._order.interval, details=self._order.details)
            self._drivers.wait(self._order.interval / 2)
            self._tell()
            if self._drivers.must_begin_anew:
                self._begin_anew()

    def _tell(self) -> None:
        state, detail = self._drivers.state(self._order.interval)
        driver, devices = self._drivers.told(is_stalled=state == "driver_stalled")
        if self._drivers.is_slow:
            self._processes.forget_those_that_ended()
        devices = self._with_names(devices)
        sample = Sample(
            state=state,
            detail=detail,
            at=time.time(),
            interval=self._order.interval,
            driver=driver,
            devices=devices,
            system=self._host.read(is_slow=self._drivers.is_slow),
            lineages=self._processes.lineages(),
            tree=self._tree.read(devices, self._processes.lineages()) if self._tree else None,
        )
        sys.stdout.buffer.write(msgspec.json.encode(sample) + b"\n")
        sys.stdout.buffer.flush()
        self._due = time.monotonic() + self._order.interval

    def _with_names(self, devices: list[GpuDevice]) -> list[GpuDevice]:
        known = self._processes.named(devices)
        return [
            replace(device, processes=[replace(known[one.pid], memory=one.memory) for one in device.processes])
            if device.processes
            else device
            for device in devices
        ]

    def _obey(self) -> bool:
        """Listen until the next sample is due; tell whether there is to be one."""
        while (left := self._due - time.monotonic()) > 0:
            if select.select([0], [], [], left)[0] and not self._hear():
                return False
        return os.getppid() == self._parent and (self._tree is None or self._tree.is_there())

    def _hear(self) -> bool:
        """Take the orders that have come; tell whether there may be more."""
        if not (data := os.read(0, 65536)):
            return False
        *lines, self._heard = (self._heard + data).split(b"\n")
        for line in lines:
            self._take(msgspec.json.decode(line, type=Order))
        return True

    def _take(self, order: Order) -> None:
        """Follow an order; one that wants more is followed at once."""
        wants_more = order.interval < self._order.interval or (order.details and not self._order.details)
        self._due = time.monotonic() if wants_more else self._due + order.interval - self._order.interval
        self._order = order

    def _begin_anew(self) -> NoReturn:
        command = self._options.command(self._order)
        os.execv(command[0], command)  # noqa: S606  # ourselves


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the sampler of this machine."""
    from aiplat_jupyter.gpu.amd import Amd
    from aiplat_jupyter.gpu.nvidia import Nvidia

    options = _options(arguments)
    with suppress(BrokenPipeError, KeyboardInterrupt):
        Sampler(options, [Nvidia(), Amd()]).run()
    os._exit(0)  # a thread that hangs in a driver would keep the interpreter from ending in order


def _options(arguments: Sequence[str] | None) -> Options:
    parser = argparse.ArgumentParser(prog="python -m aiplat_jupyter.gpu.sampler", description=__doc__)
    parser.add_argument("--interval", type=float, default=10.0, help="seconds between samples")
    parser.add_argument("--details", action="store_true", help="read PCIe traffic as well")
    parser.add_argument("--pid", type=int, default=0, help="tell of this process and all below it, and end with it")
    parser.add_argument("--folder", default=".", help="whose disk is told of")
    parser.add_argument("--retry", type=float, default=60.0, help="seconds until a driver is tried again")
    return msgspec.convert(vars(parser.parse_args(arguments)), Options)


if __name__ == "__main__":
    main()
