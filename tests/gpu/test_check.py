"""The script that checks a machine with GPUs, on pretended ones."""

import os

import pytest

from tests.gpu import check as module
from tests.gpu.check import check
from tests.nvml import GIB, NO_PERMISSION, Gpu, Nvidia, h100, mig, unified


@pytest.mark.parametrize("gpus", [h100(), h100(2), h100(8), mig(), unified()], ids=["1", "2", "8", "mig", "unified"])
def test_it_says_what_it_sees(nvidia: Nvidia, gpus: list[Gpu], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEATS", 2)
    monkeypatch.setattr(module, "LATEST", 10.0)  # other tests run beside
    nvidia.see(*gpus)
    nvidia.change(0, processes={os.getpid(): GIB})
    lines = check(nvidia.environment())
    assert "ok, driver 570.86.10" in lines[0]
    assert sum(gpu.uuid in line for gpu in gpus for line in lines) == len(gpus)


def test_it_fails_where_something_is_wrong(nvidia: Nvidia) -> None:
    nvidia.change(0, temperature=4_000)
    with pytest.raises(AssertionError, match="temperature"):
        check(nvidia.environment())
    nvidia.mend()
    nvidia.fail(NO_PERMISSION, "nvmlInitWithFlags")
    with pytest.raises(AssertionError):
        check(nvidia.environment())
