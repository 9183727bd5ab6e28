"""A sampler as its own process, as the server runs it, for tests."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Mapping

import msgspec

from aiplat_jupyter.core.gpu import GpuDevice, Sample


class Sampled:
    """Runs the sampler; a context manager. `environment` tells where it finds the driver."""

    def __init__(self, environment: Mapping[str, str], *options: str, interval: float = 0.2) -> None:
        self._command = [sys.executable, "-m", "aiplat_jupyter.gpu.sampler", "--interval", str(interval), *options]
        self._environment = {**os.environ, **environment}
        self._rest = b""

    def __enter__(self) -> "Sampled":
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(self._command, env=self._environment, stdin=pipe, stdout=pipe, bufsize=0)
        return self

    def __exit__(self, *exc: object) -> None:
        self.process.kill()
        self.process.wait(5)
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()

    def order(self, interval: float, *, details: bool = False) -> None:
        """Tell the sampler how often to look, and whether for PCIe traffic."""
        assert self.process.stdin is not None
        self.process.stdin.write(msgspec.json.encode({"interval": interval, "details": details}) + b"\n")

    def hang_up(self) -> int:
        """Do as a server that has gone; return how the sampler ended."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(5)

    def next(self, patience: float = 10.0) -> Sample:
        """Return the next sample."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + patience
        while b"\n" not in self._rest:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, "no sample came"
            data = os.read(self.process.stdout.fileno(), 1 << 20)
            assert data, "the sampler has ended"
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return msgspec.json.decode(line, type=Sample)

    def until(self, is_so: Callable[[Sample], bool], patience: float = 15.0) -> Sample:
        """Return the first sample that is so."""
        deadline = time.monotonic() + patience
        while not is_so(sample := self.next()):
            assert time.monotonic() < deadline, sample
        return sample

    def device(self, is_so: Callable[[GpuDevice], bool] = lambda device: True, index: int = 0) -> GpuDevice:
        """Return the first account of a GPU that is so."""
        sample = self.until(lambda sample: len(sample.devices) > index and is_so(sample.devices[index]))
        return sample.devices[index]
