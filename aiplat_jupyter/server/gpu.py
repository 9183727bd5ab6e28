"""Verbs on GPUs."""

from aiplat_jupyter.core.gpu import GpuHistory, GpuHistoryQuery, GpuQuery, GpuStatus
from aiplat_jupyter.core.records import Identity
from aiplat_jupyter.server.call import Services


async def get_gpu_status(at: Services, who: Identity, query: GpuQuery) -> GpuStatus:
    """Say what the GPUs and the machine of an agent do now, and for whom."""
    return await at.gpu.status(who, query)


async def get_gpu_history(at: Services, who: Identity, query: GpuHistoryQuery) -> GpuHistory:
    """Answer what the GPUs and the machine of an agent did, at most one point for each pixel."""
    return await at.gpu.history(who, query)
