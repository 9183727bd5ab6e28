"""GPUs and the machines they are in, as they travel: what a sampler reads, who holds them, and their history.

Times are seconds since 1970 (UTC), memory is in bytes, power in watts, temperatures in °C, shares in percent.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final, Literal

from msgspec import Struct

from aiplat_jupyter.core.curves import Value

Absence = Literal["", "not_supported", "no_permission", "function_missing", "lost", "timeout", "unknown"]
"""Why there is no value; empty where there is one."""
Vendor = Literal["nvidia", "amd"]
Throttle = Literal["idle", "thermal", "power", "power_brake", "hardware", "sync", "settings"]
"""Why a GPU runs slower than it could; ``thermal``, ``power_brake``, ``hardware``: faults of cooling or supply."""
MonitorState = Literal["starting", "ok", "no_driver", "no_gpu", "driver_mismatch", "driver_stalled", "failed", "away"]
"""``no_gpu``: the driver answers, and has none. ``driver_stalled``: it has not answered for three samples.
``failed``: the sampler ended and is started again. ``away``: the agent runs no server; what is shown is its last."""
GpuMetric = Literal["utilization", "memory_used", "temperature", "power"]
HostMetric = Literal["cpu", "host_memory_used", "disk_used"]
MAX_WIDTH: Final = 2000


class Reading(Struct, frozen=True):
    """A value, or why there is none: never a zero that nobody measured."""

    value: float | None = None
    reason: Absence = ""


UNKNOWN: Final = Reading(None, "unknown")


class Holder(Struct, frozen=True, kw_only=True):
    """Who a process, or a GPU that is leased, works for; all that the caller may see of it.

    Attributes
    ----------
    kernel, notebook : id of the Jupyter kernel, and the path of its notebook below the server's root.
    is_hidden : it works for a project that the caller may not see.
    """

    kernel: str | None = None
    notebook: str | None = None
    experiment: str | None = None
    experiment_name: str | None = None
    task: str | None = None
    task_name: str | None = None
    project: str | None = None
    is_hidden: bool = False


class GpuProcess(Struct, frozen=True, kw_only=True):
    """A process that uses a GPU.

    `is_foreign`: it runs outside of this container or machine's view: `pid` is the host's, and nothing else is known.
    """

    pid: int
    memory: Reading = UNKNOWN
    name: str = ""
    username: str = ""
    is_foreign: bool = False
    holder: Holder | None = None


class GpuDevice(Struct, frozen=True, kw_only=True):
    """A GPU, or a MIG instance of one. Named by UUID; `index` counts on from one vendor to the next, and may change.

    A GPU that is split is there too, for what its instances cannot tell (temperature, power, faults); programs get the
    instances.

    Attributes
    ----------
    parent : UUID of the GPU of which this is a MIG instance.
    state : ``lost``: it has fallen off the bus; the other readings are its last, or tell that. ``closed``: the driver
        lets nobody here use it or ask of it, not even its UUID.
    is_unified : CPU and GPU share one memory, which is what the memory readings tell of.
    utilization : share of the last sample in which the GPU was busy.
    memory_reserved : kept by the driver for itself, not counted as used.
    temperature_limit : at which the GPU slows itself down.
    pcie_received, pcie_sent : bytes a second; read only while someone looks at them, as each reading takes 20 ms.
    ecc_uncorrected : memory errors that could not be corrected, since the driver was loaded.
    xid, xid_at : number of the newest fault that the driver reported since the sampler started, and when.
    lease : the task that holds it, as told by the queue: also where processes cannot be seen.
    processes_reason : why there are no `processes`; empty if there really are none.
    """

    uuid: str
    index: int
    name: str
    vendor: Vendor = "nvidia"
    parent: str | None = None
    state: Literal["ok", "lost", "closed"] = "ok"
    is_unified: bool = False
    utilization: Reading = UNKNOWN
    memory_used: Reading = UNKNOWN
    memory_total: Reading = UNKNOWN
    memory_reserved: Reading = UNKNOWN
    temperature: Reading = UNKNOWN
    temperature_limit: Reading = UNKNOWN
    power: Reading = UNKNOWN
    power_limit: Reading = UNKNOWN
    fan: Reading = UNKNOWN
    clock_sm: Reading = UNKNOWN
    """MHz."""
    clock_memory: Reading = UNKNOWN
    """MHz."""
    pcie_received: Reading = UNKNOWN
    pcie_sent: Reading = UNKNOWN
    ecc_uncorrected: Reading = UNKNOWN
    xid: int | None = None
    xid_at: float | None = None
    throttle: list[Throttle] = []
    lease: Holder | None = None
    processes: list[GpuProcess] = []
    processes_reason: Absence = ""


class Host(Struct, frozen=True, kw_only=True):
    """The machine around the GPUs: CPU, memory, and the disk that holds the data folder, which may not answer."""

    cpu: float
    cores: int
    memory_used: int
    memory_total: int
    disk_used: Reading = UNKNOWN
    disk_total: Reading = UNKNOWN
    load: float
    """Processes that run or wait, over the last minute."""


class Ancestor(Struct, frozen=True, array_like=True):
    """A process, and when it started, in seconds since 1970 to about 10 ms: a pid alone may be another's later."""

    pid: int
    start: float


class Tree(Struct, frozen=True, kw_only=True):
    """What a process and all below it use.

    Attributes
    ----------
    cpu : percent of one core: 400 is four cores.
    memory : resident, pages that are shared counted once for each process.
    gpus : UUID → memory on the GPUs that they use.
    """

    cpu: float
    memory: int
    gpus: dict[str, Reading] = {}


class Sample(Struct, frozen=True, kw_only=True):
    """What the sampler process (``python -m aiplat_jupyter.gpu.sampler``) tells, one JSON line for each.

    Attributes
    ----------
    state, detail, at, interval, driver, devices, system : as in `GpuStatus`; holders and leases are not told here.
    lineages : pid of each process that uses a GPU, and is no foreign one → itself, its parent, and so on to the top.
    tree : what the process tree uses that ``--pid`` names; None: it has ended, or none was named.
    """

    state: MonitorState
    detail: str = ""
    at: float
    interval: float
    driver: str = ""
    devices: list[GpuDevice] = []
    system: Host | None = None
    lineages: dict[int, list[Ancestor]] = {}
    tree: Tree | None = None


class GpuStatus(Struct, frozen=True, kw_only=True):
    """What an agent's GPUs and machine do now.

    Attributes
    ----------
    detail : the driver's or system's own words, where `state` needs some.
    agent, host, username : whose it is: uid, machine and account.
    is_own : it is the agent of the server that answers, and live; others are as of their last row, some seconds ago.
    at, interval : when it was read, and seconds until the next sample.
    """

    state: MonitorState
    detail: str = ""
    agent: str
    host: str
    username: str
    is_own: bool = True
    at: float
    interval: float
    driver: str = ""
    """Its version."""
    total: int
    devices: list[GpuDevice]
    system: Host | None = None


class GpuQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose GPUs: uid of the agent; empty: those of the machine that answers. `details`: PCIe traffic as well."""

    agent: str = ""
    details: bool = False


class GpuHistoryQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which part of the past.

    Attributes
    ----------
    agent : uid; empty: the machine that answers.
    gpus : UUIDs; none: all.
    metrics : none: all of GPUs and host.
    start, end : seconds since 1970; None: an hour ago, and now.
    width : how many points each series shall have at most.
    """

    agent: str = ""
    gpus: list[str] = []
    metrics: list[GpuMetric | HostMetric] = []
    start: float | None = None
    end: float | None = None
    width: int = 600


class GpuSeries(Struct, frozen=True, kw_only=True):
    """One metric over time, as parallel columns; null where nothing was read, and a gap is told by one null between.

    `gpu` is a UUID, empty for a metric of the host. `limit` is the metric's largest possible value, where known.
    """

    gpu: str
    metric: GpuMetric | HostMetric
    limit: float | None = None
    at: list[float]
    mean: list[Value]
    min: list[Value]
    max: list[Value]


class GpuHistory(Struct, frozen=True, kw_only=True):
    """History of an agent's GPUs and machine. `resolution` is the distance of points in seconds."""

    agent: str
    host: str
    start: float
    end: float
    resolution: float
    names: dict[str, str]
    """UUID → ``0 · NVIDIA H100``, also of GPUs that are gone."""
    series: list[GpuSeries]


def labels(devices: Sequence[GpuDevice]) -> dict[str, str]:
    """Return how each GPU is called for short: by its index, a MIG instance by its place in its GPU as well, from 0."""
    called, parts = {}, Counter[str]()
    for device in devices:
        called[device.uuid] = f"GPU {device.index}"
        if device.parent is not None:
            called[device.uuid] += f" · MIG {parts[device.parent]}"
            parts[device.parent] += 1
    return called
