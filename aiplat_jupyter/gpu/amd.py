"""AMD GPUs, as the kernel's driver (amdgpu) shows them below ``/sys``.

Written against, and tested on, recorded trees: no AMD machine was at hand.
"""

import contextlib
from pathlib import Path
from typing import Any, Final, NamedTuple

from aiplat_jupyter.core.gpu import UNKNOWN, Absence, GpuDevice, Reading
from aiplat_jupyter.core.ports import DriverProblem

VENDOR: Final = "0x1002"
NOT_SUPPORTED: Final = Reading(None, "not_supported")
PATHS: Final = {
    "utilization": ("device/gpu_busy_percent", 1.0),
    "memory_used": ("device/mem_info_vram_used", 1.0),
    "memory_total": ("device/mem_info_vram_total", 1.0),
    "temperature": ("device/hwmon/hwmon*/temp1_input", 1e-3),
    "temperature_limit": ("device/hwmon/hwmon*/temp1_crit", 1e-3),
    "power": ("device/hwmon/hwmon*/power1_average", 1e-6),
    "power_limit": ("device/hwmon/hwmon*/power1_cap", 1e-6),
    "clock_sm": ("device/hwmon/hwmon*/freq1_input", 1e-6),
    "clock_memory": ("device/hwmon/hwmon*/freq2_input", 1e-6),
}
NEWER: Final = {"power": ("device/hwmon/hwmon*/power1_input", 1e-6)}
"""Where newer cards tell the same."""


class Amd:
    """A `core.ports.GpuSource`. `root` is the folder that is ``/`` elsewhere."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._cards = root / "sys/class/drm"
        self._version = root / "sys/module/amdgpu/version"
        self.driver = ""
        self._found: list[_Card] = []

    def open(self) -> None:
        """Find the cards."""
        with contextlib.suppress(OSError):
            self.driver = self._version.read_text().strip()
        cards = [card for card in self._cards.glob("card*") if card.name[4:].isdigit()]
        own = [card for card in cards if _text(card, "device/vendor") == VENDOR]
        self._found = [
            _Card(card, _uuid(card), _name(card)) for card in sorted(own, key=lambda card: int(card.name[4:]))
        ]
        if not self._found:
            raise DriverProblem("no_driver", "There is no AMD GPU.")

    def read(self, *, is_slow: bool, details: bool) -> list[GpuDevice]:  # noqa: ARG002  # all of it is cheap
        """Return how each card is."""
        return [_device(card, index) for index, card in enumerate(self._found)]


class _Card(NamedTuple):
    path: Path
    uuid: str
    name: str


def _device(found: _Card, index: int) -> GpuDevice:
    card = found.path
    readings: dict[str, Any] = {name: _reading(card, path, scale) for name, (path, scale) in PATHS.items()}
    for name, (path, scale) in NEWER.items():
        if readings[name].value is None:
            readings[name] = _reading(card, path, scale)
    is_lost = not (card / "device").exists()
    return GpuDevice(
        uuid=found.uuid,
        index=index,
        name=found.name,
        vendor="amd",
        state="lost" if is_lost else "ok",
        fan=_fan(card),
        memory_reserved=NOT_SUPPORTED,
        pcie_received=NOT_SUPPORTED,
        pcie_sent=NOT_SUPPORTED,
        ecc_uncorrected=NOT_SUPPORTED,
        processes_reason="not_supported",
        **readings,
    )


def _uuid(card: Path) -> str:
    """Return the card's serial number; consumer cards have none, and are told apart by their place on the bus."""
    serial = _text(card, "device/unique_id")
    return f"AMD-{serial or (card / 'device').resolve().name}"


def _name(card: Path) -> str:
    return _text(card, "device/product_name") or f"AMD GPU {_text(card, 'device/device')}"


def _fan(card: Path) -> Reading:
    speed, most = _reading(card, "device/hwmon/hwmon*/pwm1"), _reading(card, "device/hwmon/hwmon*/pwm1_max")
    if speed.value is None or not most.value:
        return speed if speed.reason else UNKNOWN
    return Reading(100.0 * speed.value / most.value)


def _reading(card: Path, pattern: str, scale: float = 1.0) -> Reading:
    path = next(card.glob(pattern), None)
    if path is None:
        return NOT_SUPPORTED if (card / "device").exists() else Reading(None, "lost")
    try:
        return Reading(float(path.read_text()) * scale)
    except ValueError:
        return UNKNOWN
    except OSError as error:
        return Reading(None, _reason(error))


def _reason(error: OSError) -> Absence:
    if isinstance(error, PermissionError):
        return "no_permission"
    return "lost" if isinstance(error, FileNotFoundError) else "unknown"


def _text(card: Path, name: str) -> str:
    try:
        return (card / name).read_text(errors="replace").strip()
    except OSError:
        return ""
