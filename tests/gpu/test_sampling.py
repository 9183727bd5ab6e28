"""The server's end of the sampler, with samplers that fail it: programs that write what those would not."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from aiplat_jupyter.core.gpu import GpuDevice, Reading, Sample
from aiplat_jupyter.gpu import sampling
from aiplat_jupyter.gpu.sampling import Sampling

GPU = GpuDevice(uuid="GPU-0", index=0, name="NVIDIA H100", utilization=Reading(97.0))
SAMPLE = Sample(state="ok", at=1.0, interval=1.0, devices=[GPU])
PROGRAM = """
import pathlib, sys
is_first = not pathlib.Path({mark!r}).exists()
pathlib.Path({mark!r}).touch()
sys.stdout.buffer.write({sample!r} + ({then!r} if is_first else b""))
sys.stdout.flush()
if not is_first:
    sys.stdin.read()
"""


@pytest.fixture
def failing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Start what writes a sample, something else and ends, in place of the sampler; the next one does as it ought."""
    monkeypatch.setattr(sampling, "MODULE", "failing_sampler")
    monkeypatch.setattr(sampling, "PAUSES", (0.01,))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def write(then: bytes) -> None:
        sample = msgspec.json.encode(SAMPLE) + b"\n"
        program = PROGRAM.format(mark=str(tmp_path / "mark"), sample=sample, then=then)
        (tmp_path / "failing_sampler.py").write_text(program)

    return write


async def listen(folder: Path, count: int, told: Callable[[Sample], Awaitable[None]] | None = None) -> list[Sample]:
    """Return the first samples that are told."""
    heard: list[Sample] = []
    is_enough = asyncio.Event()

    async def hear(sample: Sample) -> None:
        heard.append(sample)
        if len(heard) == count:
            is_enough.set()
        if told:
            await told(sample)

    async with Sampling(hear, folder):
        await asyncio.wait_for(is_enough.wait(), 20)
    return heard[:count]


@pytest.mark.parametrize("then", [b'{"state":"ok","at":1', b'{"state":"ok"}\n', b"\xff\xfe\n", b"[" * 100_000 + b"\n"])
def test_a_sampler_that_cannot_be_understood_is_started_again(
    then: bytes, failing: Callable[[bytes], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "LONGEST_LINE", 65_536)
    failing(then)
    first, ended, again = asyncio.run(listen(tmp_path, 3))
    assert first == again == SAMPLE
    assert (ended.state, ended.devices[0].utilization) == ("failed", Reading(None, "timeout"))


def test_a_sample_that_cannot_be_handed_on_is_not_the_last(
    failing: Callable[[bytes], None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(sample: Sample) -> None:
        raise RuntimeError("the database is gone")

    failing(b"")
    told = asyncio.run(listen(tmp_path, 3, fail))
    assert [sample.state for sample in told] == ["ok", "failed", "ok"]
    assert "the database is gone" in caplog.text
