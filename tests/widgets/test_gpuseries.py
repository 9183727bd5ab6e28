"""Curves of GPUs: history, then the samples behind it."""

from aiplat_jupyter.core.gpu import GpuHistory, GpuSeries
from aiplat_jupyter.widgets.gpuseries import Sample, curves


def test_samples_are_drawn_from_where_the_last_point_of_history_ends() -> None:
    past = GpuSeries(gpu="a", metric="utilization", at=[50.0, 150.0], mean=[1, 2], min=[1, 2], max=[1, 2])
    history = GpuHistory(agent="", host="", start=0.0, end=190.0, resolution=100.0, names={}, series=[past])
    samples = [Sample(at, {("a", "utilization"): 3.0}) for at in (190.0, 201.0)]
    (drawn,) = curves(history, samples, "utilization")
    assert list(drawn.buckets.x) == [50.0, 150.0, 201.0]
