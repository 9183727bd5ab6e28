"""The one table of routes: handlers, authorisation tests, OpenAPI document and user documentation follow from it.

What a verb takes and answers is read from its signature: parameters named in the path, ``query`` and ``body`` records,
and the record it returns.
"""

import inspect
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final, Literal, get_args, get_origin

from msgspec import Struct

from aiplat_jupyter.core.states import Scope
from aiplat_jupyter.server import experiments, info, journals, metrics, projects, stream, tokens
from aiplat_jupyter.server.call import Created

API: Final = "aiplat/api/v1"
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
KIB: Final = 1024
MIB: Final = 1024 * KIB


class Route(Struct, frozen=True, kw_only=True):
    """One verb on one path.

    Attributes
    ----------
    path : below the API's base; ``{name}`` is a parameter of `act`.
    act : does it: ``act(services, who, **path, query=…, body=…)``.
    scope : what the caller's credential must allow.
    limit : bytes that a body may have.
    is_activity : whether it shows that a person is there (for servers that stop when nobody is).
    """

    method: Method
    path: str
    act: Callable[..., Awaitable[Any]]
    scope: Scope
    status: int = 200
    limit: int = MIB
    is_activity: bool = True

    @property
    def summary(self) -> str:
        """First line of what `act` says of itself."""
        return inspect.cleandoc(self.act.__doc__ or "").partition("\n")[0]

    @property
    def parameters(self) -> dict[str, Any]:
        """Path parameters, in order, and their types."""
        takes = inspect.signature(self.act).parameters
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
        """Record of the answer; None where there is no content."""
        returns = inspect.signature(self.act).return_annotation
        return get_args(returns)[0] if get_origin(returns) is Created else returns

    @property
    def statuses(self) -> list[int]:
        """Which successes there are."""
        if self.answer is None:
            return [204]
        returns = inspect.signature(self.act).return_annotation
        return [200, 201] if get_origin(returns) is Created else [self.status]

    @property
    def pattern(self) -> str:
        """Regular expression of the path."""
        kinds = self.parameters
        return re.sub(r"{(\w+)}", lambda found: f"(?P<{found[1]}>{_values(kinds[found[1]])})", self.path)

    def _takes(self, name: str) -> Any:
        parameter = inspect.signature(self.act).parameters.get(name)
        return parameter and parameter.annotation


def _values(kind: Any) -> str:
    return "|".join(get_args(kind)) if get_origin(kind) is Literal else "[^/]+"


def _read(path: str, act: Callable[..., Awaitable[Any]]) -> Route:
    return Route(method="GET", path=path, act=act, scope="read", is_activity=False)


def _write(method: Method, path: str, act: Callable[..., Awaitable[Any]], **more: Any) -> Route:
    return Route(method=method, path=path, act=act, scope="write", **more)


ROUTES: Final = (
    _read("server", info.get_info),
    _read("openapi", info.get_openapi),
    Route(method="POST", path="auth/token", act=tokens.mint_token, scope="admin", status=201),
    Route(method="GET", path="auth/tokens", act=tokens.list_tokens, scope="admin", is_activity=False),
    Route(method="DELETE", path="auth/tokens/{uid}", act=tokens.revoke_token, scope="admin"),
    _read("projects", projects.list_projects),
    _write("POST", "projects", projects.create_project, status=201),
    _write("POST", "projects/bulk", projects.bulk_projects),
    _read("projects/{uid}", projects.get_project),
    _write("PATCH", "projects/{uid}", projects.update_project),
    _write("DELETE", "projects/{uid}", projects.trash_project),
    _write("POST", "projects/{uid}/purge", projects.purge_project),
    _write("POST", "projects/{uid}/{verb}", projects.move_project),
    _read("projects/{uid}/members", projects.list_members),
    _write("PUT", "projects/{uid}/members/{username}", projects.set_member),
    _write("DELETE", "projects/{uid}/members/{username}", projects.remove_member),
    _read("experiments", experiments.list_experiments),
    _write("POST", "experiments", experiments.create_experiment, limit=8 * MIB),
    _write("POST", "experiments/bulk", experiments.bulk_experiments),
    _read("experiments/counts", experiments.count_experiments),
    _read("experiments/{uid}", experiments.get_experiment),
    _write("PATCH", "experiments/{uid}", experiments.update_experiment, limit=8 * MIB),
    _write("DELETE", "experiments/{uid}", experiments.trash_experiment),
    _write("POST", "experiments/{uid}/purge", experiments.purge_experiment),
    _write("POST", "experiments/{uid}/stop", experiments.stop_experiment),
    _write("POST", "experiments/{uid}/points", metrics.add_points, limit=32 * MIB, is_activity=False),
    _write("POST", "experiments/{uid}/{verb}", experiments.move_experiment),
    _read("experiments/{uid}/loss", metrics.get_loss),
    _read("experiments/{uid}/metrics", metrics.list_metrics),
    _read("experiments/{uid}/history", metrics.get_history),
    _read("metrics/query", metrics.query_curves),
    _read("journals/{uid}", journals.get_journal),
    _write("POST", "journals/{uid}/frames", journals.append_frames, limit=32 * MIB, is_activity=False),
    _read("events", stream.wait_for_changes),
)
"""Literal paths stand before those with a parameter in the same place."""
