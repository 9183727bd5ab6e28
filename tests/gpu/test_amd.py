"""AMD GPUs, read from recorded trees of ``/sys`` (as the kernel's documentation of amdgpu describes them)."""

from pathlib import Path

import pytest

from aiplat_jupyter.core.gpu import Reading
from aiplat_jupyter.core.ports import DriverProblem
from aiplat_jupyter.gpu.amd import Amd

MI250 = {
    "vendor": "0x1002",
    "device": "0x740c",
    "unique_id": "9a2f0c1b2d3e4f50",
    "product_name": "AMD Instinct MI250X",
    "gpu_busy_percent": "73",
    "mem_info_vram_used": "11274289152",
    "mem_info_vram_total": "68702699520",
    "hwmon/hwmon3/temp1_input": "56000",
    "hwmon/hwmon3/temp1_crit": "105000",
    "hwmon/hwmon3/power1_average": "280000000",
    "hwmon/hwmon3/power1_cap": "560000000",
    "hwmon/hwmon3/freq1_input": "1700000000",
    "hwmon/hwmon3/freq2_input": "1600000000",
}
RADEON = {
    "vendor": "0x1002",
    "device": "0x744c",
    "gpu_busy_percent": "3",
    "mem_info_vram_used": "1073741824",
    "mem_info_vram_total": "25753026560",
    "hwmon/hwmon1/temp1_input": "41000",
    "hwmon/hwmon1/power1_input": "22000000",
    "hwmon/hwmon1/pwm1": "51",
    "hwmon/hwmon1/pwm1_max": "255",
}
INTEL = {"vendor": "0x8086", "device": "0x9a49"}


def plug_in(root: Path, number: int, address: str, files: dict[str, str]) -> None:
    """Lay a card out as the kernel does: a folder of the bus, and a link to it."""
    bus = root / "sys/devices" / address
    for name, text in files.items():
        (bus / name).parent.mkdir(parents=True, exist_ok=True)
        (bus / name).write_text(text + "\n")
    card = root / f"sys/class/drm/card{number}"
    card.mkdir(parents=True)
    (card / "device").symlink_to(bus)
    (root / f"sys/class/drm/card{number}-DP-1").mkdir()


@pytest.fixture
def amd(tmp_path: Path) -> Amd:
    plug_in(tmp_path, 0, "0000:00:02.0", INTEL)
    plug_in(tmp_path, 1, "0000:c1:00.0", MI250)
    plug_in(tmp_path, 10, "0000:03:00.0", RADEON)
    version = tmp_path / "sys/module/amdgpu/version"
    version.parent.mkdir(parents=True)
    version.write_text("6.8.5\n")
    source = Amd(tmp_path)
    source.open()
    return source


def test_cards_of_this_vendor_are_told(amd: Amd) -> None:
    large, small = amd.read(is_slow=True, details=True)
    assert (amd.driver, large.vendor, large.uuid, large.name) == (
        "6.8.5",
        "amd",
        "AMD-9a2f0c1b2d3e4f50",
        "AMD Instinct MI250X",
    )
    assert (large.utilization, large.memory_used, large.memory_total) == (
        Reading(73.0),
        Reading(11274289152.0),
        Reading(68702699520.0),
    )
    assert (large.temperature, large.temperature_limit) == (Reading(56.0), Reading(105.0))
    assert (large.power, large.power_limit) == (Reading(280.0), Reading(560.0))
    assert (large.clock_sm, large.clock_memory) == (Reading(1_700.0), Reading(1_600.0))
    assert (small.uuid, small.name) == ("AMD-0000:03:00.0", "AMD GPU 0x744c")
    assert (small.power, small.fan) == (Reading(22.0), Reading(20.0))


def test_what_a_card_does_not_tell_has_a_reason(amd: Amd) -> None:
    large, small = amd.read(is_slow=True, details=True)
    assert large.fan == small.temperature_limit == small.ecc_uncorrected == Reading(None, "not_supported")
    assert (small.processes, small.processes_reason) == ([], "not_supported")


def test_a_file_with_nonsense_is_unknown(amd: Amd, tmp_path: Path) -> None:
    (tmp_path / "sys/devices/0000:03:00.0/gpu_busy_percent").write_text("busy\n")
    assert amd.read(is_slow=False, details=False)[1].utilization == Reading(None, "unknown")


def test_a_card_that_was_taken_out_is_lost(amd: Amd, tmp_path: Path) -> None:
    (tmp_path / "sys/class/drm/card10/device").unlink()
    lost = amd.read(is_slow=False, details=False)[1]
    assert (lost.uuid, lost.state, lost.temperature) == ("AMD-0000:03:00.0", "lost", Reading(None, "lost"))


def test_a_machine_without_such_cards_has_no_driver(tmp_path: Path) -> None:
    plug_in(tmp_path, 0, "0000:00:02.0", INTEL)
    with pytest.raises(DriverProblem) as caught:
        Amd(tmp_path).open()
    assert caught.value.state == "no_driver"
