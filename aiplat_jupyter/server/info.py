"""First contact: which server part answers, and what it can be asked."""

from pathlib import Path
from typing import Any, Final

import msgspec

from aiplat_jupyter.core.records import Identity, ServerInfo
from aiplat_jupyter.server.call import Services

_OPENAPI: Final = Path(__file__).with_name("openapi.json")


async def get_info(at: Services, who: Identity) -> ServerInfo:
    """Answer which server part this is, and as whom you are known."""
    return msgspec.structs.replace(at.info, user=who)


async def get_openapi(_at: Services, _who: Identity) -> dict[str, Any]:
    """Answer the OpenAPI document of this API."""
    spec: dict[str, Any] = msgspec.json.decode(_OPENAPI.read_bytes())
    return spec
