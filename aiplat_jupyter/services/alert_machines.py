"""What a sample of GPUs and machine means to the rules that watch them."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from aiplat_jupyter.core import alert_signs
from aiplat_jupyter.core.alerts import Target
from aiplat_jupyter.core.gpu import GpuDevice, GpuStatus, Holder, MonitorState, labels
from aiplat_jupyter.services.alert_ledger import Ledger, Point, Run
from aiplat_jupyter.store.alert_rules import Found

FRESH_SECONDS: Final = 600.0
"""How long a fault that the driver reported is news: it tells of the newest until it is started again."""
REMEMBERED_SECONDS: Final = 7 * 86_400.0
"""For how long it is remembered that a machine had GPUs."""
_KNOWN: Final[frozenset[MonitorState]] = frozenset({"ok", "no_gpu"})
"""States in which it is known which GPUs there are, and how they are."""


class Fault(NamedTuple):
    """The newest fault of a GPU, when the driver reported it, and when it was first told of."""

    number: int
    reported_at: float | None
    at: float


class Machines:
    """Turns samples into runs."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._faults: dict[str, Fault] = {}
        self._before: MonitorState = "starting"
        self._state: MonitorState = "starting"
        self.had_gpus_at = -float("inf")
        """When there were GPUs."""

    def runs(self, status: GpuStatus) -> list[Run]:
        """Return what is new of each target of each rule.

        Of GPUs that are not told of any more that is that they are gone; while nobody knows how they are, nothing.
        """
        if status.state != "starting":
            self._before, self._state = self._state, status.state
        if status.devices:
            self.had_gpus_at = status.at
        self._note_faults(status)
        rules = [rule for rule in self._ledger.rules if rule.spec.subject in ("gpu", "host")]
        return [run for rule in rules if _concerns(rule, status) for run in self._of_rule(rule, status)]

    def _note_faults(self, status: GpuStatus) -> None:
        for device in status.devices:
            known = self._faults.get(device.uuid)
            if device.xid is None:
                self._faults.pop(device.uuid, None)
            elif known is None or known[:2] != (device.xid, device.xid_at):
                at = status.at if device.xid_at is None else device.xid_at
                self._faults[device.uuid] = Fault(device.xid, device.xid_at, at)

    def _of_rule(self, rule: Found, status: GpuStatus) -> Iterator[Run]:
        told = list(self._values(rule, status))
        for target, value in told:
            yield _run(rule, target, value, status)
        if status.state not in _KNOWN and rule.spec.no_data != "alert":
            return
        for key in self._ledger.known(rule).keys() - {target.key for target, _ in told}:
            yield from self._missing(rule, key, status)

    def _missing(self, rule: Found, key: str, status: GpuStatus) -> Iterator[Run]:
        """Yield that nothing is to be seen of a target: unless that is worth an alert, what was said of it is over."""
        run = _run(rule, Target(key=key, label=key, agent=status.agent), None, status)
        is_there = status.state in _KNOWN and any(one.uuid == key for one in status.devices)
        if rule.spec.no_data != "ignore" and not is_there:
            yield run
        elif not self._ledger.known(rule)[key].state.is_idle:
            yield run._replace(is_gone=True)

    def _values(self, rule: Found, status: GpuStatus) -> Iterable[tuple[Target, float | None]]:
        metric = rule.spec.metric
        if rule.spec.subject == "host":
            return [(machine(status), alert_signs.of_host(metric, status))] if status.system else []
        if metric == alert_signs.STALLED:
            return [(machine(status), self._stalled(status))]
        if status.state not in _KNOWN:
            return []
        names = labels(status.devices)
        wanted = [one for one in status.devices if _is_wanted(rule, one)]
        if metric == "xid":
            return [(gpu(one, names[one.uuid], status), self._fault(one, status)) for one in wanted]
        return [(gpu(one, names[one.uuid], status), alert_signs.of_gpu(metric, one)) for one in wanted]

    def _stalled(self, status: GpuStatus) -> float | None:
        had_gpus = status.at - self.had_gpus_at < REMEMBERED_SECONDS
        return alert_signs.stalled(status.state, self._before, had_gpus=had_gpus)

    def _fault(self, device: GpuDevice, status: GpuStatus) -> float:
        known = self._faults.get(device.uuid)
        return float(known.number) if known and status.at - known.at < FRESH_SECONDS else 0.0


def _is_wanted(rule: Found, device: GpuDevice) -> bool:
    gpus = rule.spec.scope.gpus
    return (not gpus or device.uuid in gpus) and alert_signs.is_about(rule.spec.metric, device)


def _concerns(rule: Found, status: GpuStatus) -> bool:
    return not rule.spec.scope.agents or status.agent in rule.spec.scope.agents


def _run(rule: Found, target: Target, value: float | None, status: GpuStatus) -> Run:
    return Run(rule, target, [Point(status.at, value, status.at)], agent=status.agent)


def machine(status: GpuStatus) -> Target:
    """Return the machine as a target."""
    return Target(key=status.agent, label=status.host, agent=status.agent)


def gpu(device: GpuDevice, name: str, status: GpuStatus) -> Target:
    """Return a GPU, called `name` for short, with what it works for: who leases it, or the first of whom is known."""
    holders = [device.lease, *(one.holder for one in device.processes)]
    holder = next((one for one in holders if one is not None and not one.is_hidden), None) or Holder()
    return Target(
        key=device.uuid,
        label=f"{name} · {status.host}",
        agent=status.agent,
        gpu=device.uuid,
        experiment=holder.experiment,
        task=holder.task,
        project=holder.project,
        kernel=holder.kernel,
        notebook=holder.notebook,
    )
