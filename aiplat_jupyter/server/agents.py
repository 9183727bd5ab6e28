"""Verbs on agents: the machines and accounts that run tasks."""

from aiplat_jupyter.core.records import Identity
from aiplat_jupyter.core.tasks import Agent
from aiplat_jupyter.server.call import Services


async def list_agents(at: Services, who: Identity) -> list[Agent]:
    """List who runs tasks, with their slots and GPUs."""
    return await at.agents.list(who)


async def pause_agent(at: Services, who: Identity, uid: str) -> Agent:
    """Start no further tasks; what runs goes on."""
    return await at.agents.pause(who, uid)


async def resume_agent(at: Services, who: Identity, uid: str) -> Agent:
    """Start tasks again."""
    return await at.agents.resume(who, uid)
