"""What a route is: one verb on one path, and what its function's signature says of it."""

import functools
import inspect
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final, Literal, get_args, get_origin

from msgspec import Struct

from aiplat_jupyter.core.states import Scope
from aiplat_jupyter.server.call import Created

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
MIB: Final = 1024 * 1024
_signature: Final = functools.cache(inspect.signature)


class Route(Struct, frozen=True, kw_only=True):
    """One verb on one path.

    Attributes
    ----------
    path : below the API's base; ``{name}`` is a parameter of `act`.
    act : does it: ``act(services, who, **path, query=…, body=…)``.
    scope : what the caller's credential must allow.
    limit : bytes that a body may have.
    is_activity : whether it shows that a person is there (for servers that stop when nobody is).
    is_replayed : whether a repeated ``Idempotency-Key`` is answered with the first answer.
    handler : which handler runs it, if not the usual one.
    media : what the answer is that the handler sends bit by bit; empty: a record.
    """

    method: Method
    path: str
    act: Callable[..., Awaitable[Any]]
    scope: Scope
    status: int = 200
    limit: int = MIB
    is_activity: bool = True
    is_replayed: bool = False
    handler: type[Any] | None = None
    media: str = ""

    @property
    def summary(self) -> str:
        """First line of what `act` says of itself."""
        return inspect.cleandoc(self.act.__doc__ or "").partition("\n")[0]

    @property
    def parameters(self) -> dict[str, Any]:
        """Path parameters, in order, and their types."""
        takes = _signature(self.act).parameters
        return {name: takes[name].annotation for name in re.findall(r"{(\w+)}", self.path)}

    @property
    def query(self) -> Any:
        """Record of the query string, or None."""
        return self._takes("query")

    @property
    def body(self) -> Any:
        """Record of the body, ``bytes`` if it is taken as it comes, or None."""
        return self._takes("body")

    @property
    def answer(self) -> Any:
        """Record of the answer; None where there is none."""
        if self.media:
            return None
        returns = _signature(self.act).return_annotation
        return get_args(returns)[0] if get_origin(returns) is Created else returns

    @property
    def statuses(self) -> list[int]:
        """Which successes there are."""
        if self.answer is None and not self.media:
            return [204]
        returns = _signature(self.act).return_annotation
        return [200, 201] if get_origin(returns) is Created else [self.status]

    @property
    def pattern(self) -> str:
        """Regular expression of the path."""
        kinds = self.parameters
        return re.sub(r"{(\w+)}", lambda found: f"(?P<{found[1]}>{_values(kinds[found[1]])})", self.path)

    def _takes(self, name: str) -> Any:
        parameter = _signature(self.act).parameters.get(name)
        return parameter and parameter.annotation


def _values(kind: Any) -> str:
    return "|".join(get_args(kind)) if get_origin(kind) is Literal else "[^/]+"
