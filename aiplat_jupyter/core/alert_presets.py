"""The rules that everyone begins with. They are rows like any other: switched, changed, and reset to what stands here.

A preset's name names it in the database; its title is the English one, others are made by who shows it.
"""

from typing import Any, Final, NamedTuple

from aiplat_jupyter.core.alerts import Condition, RuleSpec

HEADLINE: Final = ""
"""As the metric of a rule on experiments: the loss that lists show."""
HOT: Final = 90.0
"""°C at which a GPU counts as slowing down where the driver does not say when it does."""


class Preset(NamedTuple):
    """A default rule."""

    title: str
    spec: RuleSpec
    is_enabled: bool = True


def _gpu(metric: str, condition: Condition = "above", **more: Any) -> RuleSpec:
    return RuleSpec(subject="gpu", metric=metric, condition=condition, **more)


PRESETS: Final[dict[str, Preset]] = {
    "gpu_lost": Preset("GPU lost", _gpu("lost", critical=0.0)),
    "driver_stalled": Preset("GPU driver does not answer", _gpu("stalled", critical=0.0)),
    "gpu_xid": Preset("GPU reported a fault (XID)", _gpu("xid", warning=0.0)),
    "gpu_ecc": Preset(
        "GPU memory errors that could not be corrected",
        _gpu("ecc_uncorrected", critical=0.0, aggregate="delta", window_s=600.0),
    ),
    "gpu_throttled": Preset(
        "GPU slowed down by heat or power supply", _gpu("throttled", warning=0.0, for_s=30.0, keep_firing_s=60.0)
    ),
    "gpu_hot": Preset(
        "GPU close to its temperature limit",
        _gpu(
            "temperature_margin", "below", warning=5.0, critical=0.0, clear_warning=10.0, clear_critical=5.0, for_s=60.0
        ),
    ),
    "gpu_memory": Preset("GPU memory almost full", _gpu("memory_share", warning=95.0, clear_warning=90.0, for_s=60.0)),
    "gpu_idle": Preset(
        "Task holds a GPU without using it",
        _gpu("leased_idle", warning=95.0, for_s=600.0, keep_firing_s=60.0),
    ),
    "gpu_foreign": Preset(
        "Another process on a task's GPU", _gpu("foreign_process", warning=0.0, for_s=10.0, keep_firing_s=10.0)
    ),
    "loss_not_finite": Preset(
        "Loss is NaN or infinite",
        RuleSpec(subject="experiment", metric=HEADLINE, condition="not_finite", critical=0.0),
    ),
    "loss_diverges": Preset(
        "Loss diverges",
        RuleSpec(subject="experiment", metric=HEADLINE, condition="diverges", warning=3.0, for_s=50.0),
    ),
    "task_failed": Preset("Task failed", RuleSpec(subject="task", condition="failed", critical=0.0)),
    "task_waits": Preset("Task waits long", RuleSpec(subject="task", condition="waits", warning=4 * 3600.0)),
    "disk_full": Preset(
        "Disk almost full",
        RuleSpec(
            subject="host",
            metric="disk_share",
            condition="above",
            warning=95.0,
            critical=99.0,
            clear_warning=94.0,
            clear_critical=98.0,
            for_s=60.0,
        ),
    ),
    "gpu_power": Preset(
        "GPU at its power limit", _gpu("power_share", warning=98.0, clear_warning=95.0, for_s=300.0), is_enabled=False
    ),
    "gpu_low": Preset("GPU little used", _gpu("utilization", "below", warning=20.0, for_s=1800.0), is_enabled=False),
    "host_memory": Preset(
        "Machine's memory almost full",
        RuleSpec(subject="host", metric="memory_share", condition="above", warning=95.0, critical=98.0, for_s=60.0),
        is_enabled=False,
    ),
    "experiment_silent": Preset(
        "Experiment logs nothing",
        RuleSpec(subject="experiment", metric=HEADLINE, condition="silent", warning=1800.0),
        is_enabled=False,
    ),
    "loss_plateau": Preset(
        "Loss gets no better",
        RuleSpec(subject="experiment", metric=HEADLINE, condition="plateau", for_s=10_000.0),
        is_enabled=False,
    ),
    "task_overdue": Preset(
        "Task runs longer than it did",
        RuleSpec(subject="task", condition="overdue", warning=2.0),
        is_enabled=False,
    ),
}
