"""What GPUs and their machine do now, as the browser's cards take it: plain dicts, words as keys of `words`. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from aiplat_jupyter.core.alert_presets import HOT
from aiplat_jupyter.core.gpu import GpuDevice, GpuProcess, GpuStatus, Holder, Host, MonitorState, Reading, labels
from aiplat_jupyter.core.states import EXPERIMENT
from aiplat_jupyter.widgets import words

GIB: Final = 2.0**30
Card = dict[str, Any]
_FAULTS: Final = frozenset({"thermal", "power_brake", "hardware"})
LIMITS: Final = frozenset({"power", *_FAULTS})
"""Reasons to run slower that are worth a word."""
_NEAR: Final = 5.0
"""°C below its limit from which a temperature is worth a look."""
_READINGS: Final = ("utilization", "memory_used", "temperature", "power", "clock_sm", "clock_memory", "fan")
"""What a lost GPU has no more."""
_FULL: Final = 95.0
"""Percent of a memory from which that is worth a look."""
_TROUBLE: Final[dict[MonitorState, str]] = {
    "driver_mismatch": "gpu_driver_mismatch",
    "driver_stalled": "gpu_driver_stalled",
    "failed": "gpu_failed",
    "away": "gpu_away",
}
_PLAIN: Final[dict[MonitorState, str]] = {
    "starting": "gpu_starting",
    "no_driver": "gpu_no_driver",
    "no_gpu": "gpu_no_gpu",
}


def is_troubled(status: GpuStatus) -> bool:
    """Tell whether what is shown is not what is so now."""
    return status.state in _TROUBLE


def head(status: GpuStatus) -> Card:
    """Return the line over the cards: whose they are, or what is wrong."""
    count = sum(device.parent is None for device in status.devices)
    values = {"host": status.host, "n": count, "driver": status.driver}
    if is_troubled(status):
        icon = EXPERIMENT["lost"].icon if status.state == "away" else "⚠"
        return {"word": _TROUBLE[status.state], "icon": icon, "values": values, "at": status.at, "why": status.detail}
    if status.state in _PLAIN:
        return {"word": _PLAIN[status.state], "icon": "", "values": values, "at": None, "why": status.detail}
    one = count == 1
    word = ("gpu_one" if one else "gpu_some") + ("_driver" if status.driver else "")
    return {"word": word, "icon": "", "values": values, "at": None, "why": status.detail}


def cards(status: GpuStatus, colours: Mapping[str, str]) -> list[Card]:
    """Return a card for each GPU, in the colour of its curve, and one for the machine."""
    parents = {device.parent for device in status.devices} - {None}
    called = labels(status.devices)
    shown = [
        _card(device, called[device.uuid], colours.get(device.uuid), device.uuid in parents)
        for device in status.devices
    ]
    return [*shown, *([host_card(status.system, status.host)] if status.system else [])]


def nothing(status: GpuStatus, metric: str) -> Card:
    """Return what stands in place of a chart without values: that they come, or why no GPU tells them."""
    parents = {device.parent for device in status.devices} - {None}
    told = [
        _reading(getattr(device, metric), has_mig=device.parent is not None or device.uuid in parents)["why"]
        for device in status.devices
    ]
    if not told or not all(told) or "gpu_unknown" in told:
        return {"kind": "empty", "key": "gpu_nothing", "hint": "gpu_nothing_hint"}
    return {"kind": "empty", "key": "gpu_untold", "hint": told[0]}


def _card(device: GpuDevice, label: str, colour: str | None, is_split: bool) -> Card:
    if device.state == "lost":
        device = replace(device, **dict.fromkeys(_READINGS, Reading(None, "lost")))
    has_mig = is_split or device.parent is not None
    return {
        "kind": "gpu",
        "key": device.uuid,
        "label": label,
        "name": device.name if device.parent is None else device.name.rpartition("MIG ")[2],
        "full": device.name,
        "color": colour,
        "lost": device.state == "lost",
        "unified": device.is_unified,
        "utilization": _reading(device.utilization, has_mig=has_mig),
        "memory": _memory(device),
        "temperature": _reading(device.temperature)
        | {"look": _is_hot(device), "limit": device.temperature_limit.value},
        "power": _reading(device.power, has_mig=has_mig) | {"limit": device.power_limit.value},
        "facts": _facts(device),
        "signs": _signs(device),
        "users": users(device),
        "nobody": _nobody(device, is_split=is_split),
    }


def _reading(reading: Reading, *, has_mig: bool = False) -> Card:
    why = f"gpu_{reading.reason or 'unknown'}" if reading.value is None else ""
    if has_mig and why == "gpu_not_supported":
        why = "gpu_not_with_mig"
    return {"value": reading.value, "why": why}


def _memory(device: GpuDevice) -> Card:
    total = device.memory_total.value
    told = _reading(device.memory_used)
    share = told["value"] / total * 100 if told["value"] is not None and total else None
    return told | {"total": total, "share": share, "look": share is not None and share >= _FULL}


def _is_hot(device: GpuDevice) -> bool:
    now, limit = device.temperature.value, device.temperature_limit.value
    return now is not None and now >= (HOT if limit is None else limit) - _NEAR


def _facts(device: GpuDevice) -> list[Card]:
    """Return what the card tells when it is pointed at."""
    readings = {
        "gpu_clock": (device.clock_sm, "MHz"),
        "gpu_clock_memory": (device.clock_memory, "MHz"),
        "gpu_fan": (device.fan, "%"),
        "gpu_limit": (device.power_limit, "W"),
        "gpu_slows_at": (device.temperature_limit, "°C"),
    }
    known = [(word, reading.value, unit) for word, (reading, unit) in readings.items() if reading.value is not None]
    return [{"word": word, "value": value, "unit": unit} for word, value, unit in known]


def _signs(device: GpuDevice) -> list[Card]:
    """Return what is wrong with it, the worst first."""
    errors = int(device.ecc_uncorrected.value or 0)
    signs: list[Card | None] = [
        {"word": "gpu_xid", "level": "broken", "values": {"n": device.xid}} if device.xid else None,
        {"word": "gpu_ecc", "level": "broken", "values": {"n": errors}} if errors else None,
        *(
            {"word": f"gpu_slow_{why}", "level": "look" if why in _FAULTS else "quiet", "values": {}}
            for why in device.throttle
            if why in LIMITS
        ),
    ]
    return [sign for sign in signs if sign]


# For whom


def users(device: GpuDevice) -> list[Card]:
    """Return who uses the GPU: its processes, the largest first; the lease that holds it, where none of them is its."""
    ordered = sorted(device.processes, key=lambda each: -(each.memory.value or 0.0))
    lease = device.lease
    seen = {each.holder.task for each in ordered if each.holder}
    held = [{"kind": "lease", "who": who(lease), "memory": None}] if lease and lease.task not in seen else []
    return [*held, *map(_user, ordered)]


def _nobody(device: GpuDevice, *, is_split: bool) -> Card:
    """Return what is said where nobody is known to use the GPU, and why no more is known."""
    if device.state == "lost":
        return {"word": "", "why": ""}
    reason = device.processes_reason or ("timeout" if device.utilization.reason == "timeout" else "")
    if reason:
        return {"word": "gpu_processes_hidden", "why": f"gpu_{reason}"}
    return {"word": "gpu_split" if is_split else "gpu_free", "why": ""}


def _user(process: GpuProcess) -> Card:
    return {
        "kind": "foreign" if process.is_foreign else "process",
        "who": who(process.holder) if process.holder else None,
        "name": process.name,
        "pid": process.pid,
        "username": process.username,
        "memory": _reading(process.memory),
    }


def who(holder: Holder) -> Card:
    """Return what a holder is called: by task, by notebook with its experiment, or that it may not be told."""
    names = [holder.task_name or holder.task, holder.notebook and holder.notebook.rpartition("/")[2]]
    names.append(holder.experiment_name or holder.experiment)
    told = [str(name) for name in names if name]
    return {
        "text": " · ".join(dict.fromkeys(told)),
        "full": " · ".join(filter(None, [holder.task_name, holder.notebook, holder.experiment_name])),
        "word": "" if told else "gpu_hidden" if holder.is_hidden else "gpu_kernel",
    }


def host_card(system: Host, name: str) -> Card:
    """Return the card of the machine."""
    meters = (
        {"word": "gpu_cpu", "share": system.cpu, "cores": system.cores},
        _meter("gpu_host_memory", Reading(system.memory_used), Reading(system.memory_total)),
        _meter("gpu_disk", system.disk_used, system.disk_total),
    )
    return {"kind": "host", "key": "", "name": name, "meters": list(meters), "load": system.load}


def _meter(word: str, used: Reading, total: Reading) -> Card:
    told, whole = _reading(used), total.value
    if told["why"] == "gpu_timeout":
        told["why"] = "gpu_disk_timeout"
    share = used.value / whole * 100 if used.value is not None and whole else None
    return {"word": word, "share": share, **told, "total": whole, "look": share is not None and share >= _FULL}


# As text


def plain(status: GpuStatus) -> str:
    """Return it in a line of text."""
    called = labels(status.devices)
    told = [f"{called[device.uuid]} {_plain(device)}" for device in status.devices[:8]]
    if len(status.devices) > len(told):
        told.append(words.say("gpu_more", n=len(status.devices) - len(told)))
    if not status.devices:
        told.append(words.say(head(status)["word"], host=status.host, n=0, driver=status.driver, at=""))
    if status.system:
        told.append(f"{words.say('gpu_cpu')} {status.system.cpu:.0f} %")
    return "; ".join(told)


def _plain(device: GpuDevice) -> str:
    if device.state == "lost":
        return words.say("lost")
    busy, used, total = device.utilization.value, device.memory_used.value, device.memory_total.value
    share = "–" if busy is None else f"{busy:.0f} %"
    size = "–" if used is None else f"{used / GIB:.1f}" + (f" / {total / GIB:.1f} GiB" if total else " GiB")
    return f"{share}, {size}"
