"""What the verbs ask for: the services, as far as HTTP needs them."""

from typing import TYPE_CHECKING, Generic, Literal, Protocol, TypeVar

from msgspec import Struct

from aiplat_jupyter.core.records import ServerInfo

if TYPE_CHECKING:
    from aiplat_jupyter.services.agents import Agents
    from aiplat_jupyter.services.alerts import Alerts
    from aiplat_jupyter.services.bus import Bus
    from aiplat_jupyter.services.experiments import Experiments
    from aiplat_jupyter.services.gpu_monitor import GpuMonitor
    from aiplat_jupyter.services.journals import Journals
    from aiplat_jupyter.services.logs import Logs
    from aiplat_jupyter.services.metrics import Metrics
    from aiplat_jupyter.services.outputs import Outputs
    from aiplat_jupyter.services.projects import Projects
    from aiplat_jupyter.services.replays import Replays
    from aiplat_jupyter.services.schedules import Schedules
    from aiplat_jupyter.services.tasks import Tasks
    from aiplat_jupyter.services.tokens import Tokens
    from aiplat_jupyter.services.users import Users

T = TypeVar("T")
Move = Literal["archive", "restore", "trash"]


class Services(Protocol):
    """The running platform. Annotated by name only: these modules load the database when the server starts."""

    info: ServerInfo
    """With an empty user."""
    projects: "Projects"
    experiments: "Experiments"
    metrics: "Metrics"
    journals: "Journals"
    tokens: "Tokens"
    users: "Users"
    replays: "Replays"
    tasks: "Tasks"
    agents: "Agents"
    schedules: "Schedules"
    logs: "Logs"
    outputs: "Outputs"
    gpu: "GpuMonitor"
    alerts: "Alerts"
    bus: "Bus"


class Created(Struct, Generic[T], frozen=True):
    """An answer that is 201 if the thing is new and 200 if it was there already."""

    record: T
    is_new: bool
