"""The one table of routes: handlers, authorisation tests, OpenAPI document and user documentation follow from it.

What a verb takes and answers is read from its signature: parameters named in the path, ``query`` and ``body`` records,
and the record it returns.
"""

from collections.abc import Awaitable, Callable
from itertools import groupby
from typing import Any, Final

from jupyter_server.auth.decorator import allow_unauthenticated

from aiplat_jupyter.server import (
    agents,
    alerts,
    experiments,
    gpu,
    info,
    journals,
    logs,
    metrics,
    projects,
    schedules,
    stream,
    tasks,
    tokens,
)
from aiplat_jupyter.server.base import Handler, NoSuchRoute
from aiplat_jupyter.server.route import MIB, Method, Route

API: Final = "aiplat/api/v1"


def _read(path: str, act: Callable[..., Awaitable[Any]]) -> Route:
    return Route(method="GET", path=path, act=act, scope="read", is_activity=False)


def _write(method: Method, path: str, act: Callable[..., Awaitable[Any]], **more: Any) -> Route:
    return Route(method=method, path=path, act=act, scope="write", **{"is_replayed": method == "POST"} | more)


def _told(path: str, act: Callable[..., Awaitable[Any]], handler: type[Handler], media: str) -> Route:
    return Route(method="GET", path=path, act=act, scope="read", is_activity=False, handler=handler, media=media)


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
    _write("POST", "experiments/{uid}/points", metrics.add_points, limit=8 * MIB, is_activity=False),
    _write("POST", "experiments/{uid}/{verb}", experiments.move_experiment),
    _read("experiments/{uid}/loss", metrics.get_loss),
    _read("experiments/{uid}/metrics", metrics.list_metrics),
    _read("experiments/{uid}/history", metrics.get_history),
    _read("metrics/query", metrics.query_curves),
    _read("journals/{uid}", journals.get_journal),
    _write(
        "POST", "journals/{uid}/frames", journals.append_frames, limit=32 * MIB, is_activity=False, is_replayed=False
    ),
    _read("tasks", tasks.list_tasks),
    _write("POST", "tasks", tasks.create_task, limit=8 * MIB),
    _write("POST", "tasks/bulk", tasks.bulk_tasks),
    _write("POST", "tasks/check", tasks.check_task, limit=8 * MIB, is_replayed=False),
    _read("tasks/counts", tasks.count_tasks),
    _read("tasks/{uid}", tasks.get_task),
    _write("PATCH", "tasks/{uid}", tasks.update_task),
    _write("DELETE", "tasks/{uid}", tasks.trash_task),
    _write("POST", "tasks/{uid}/purge", tasks.purge_task),
    _write("POST", "tasks/{uid}/stop", tasks.stop_task),
    _write("POST", "tasks/{uid}/retry", tasks.retry_task),
    _write("POST", "tasks/{uid}/clone", tasks.clone_task, status=201),
    _write("POST", "tasks/{uid}/{verb}", tasks.move_task),
    _told("tasks/{uid}/notebook", tasks.download_notebook, logs.DownloadHandler, logs.NOTEBOOK),
    _read("tasks/{uid}/logs", logs.get_log),
    _told("tasks/{uid}/logs/search", logs.search_log, logs.SearchHandler, logs.NDJSON),
    _told("tasks/{uid}/logs/stream", logs.follow_log, logs.FollowHandler, logs.EVENTS),
    _told("tasks/{uid}/logs/download", logs.download_log, logs.DownloadHandler, logs.TEXT),
    _read("agents", agents.list_agents),
    _write("POST", "agents/{uid}/pause", agents.pause_agent),
    _write("POST", "agents/{uid}/resume", agents.resume_agent),
    _read("schedules", schedules.list_schedules),
    _write("POST", "schedules", schedules.create_schedule, limit=8 * MIB),
    _read("schedules/{uid}", schedules.get_schedule),
    _write("PATCH", "schedules/{uid}", schedules.update_schedule, limit=8 * MIB),
    _write("DELETE", "schedules/{uid}", schedules.remove_schedule),
    _write("POST", "schedules/{uid}/run", schedules.run_schedule, status=201),
    _read("gpu/status", gpu.get_gpu_status),
    _read("gpu/history", gpu.get_gpu_history),
    _read("alerts/rules", alerts.list_rules),
    _write("POST", "alerts/rules", alerts.create_rule),
    _write("POST", "alerts/rules/test", alerts.test_rule, is_replayed=False),
    _read("alerts/rules/{uid}", alerts.get_rule),
    _write("PATCH", "alerts/rules/{uid}", alerts.update_rule),
    _write("DELETE", "alerts/rules/{uid}", alerts.remove_rule),
    _write("POST", "alerts/rules/{uid}/reset", alerts.reset_rule),
    _read("alerts/events", alerts.list_alerts),
    _read("alerts/events/counts", alerts.count_alerts),
    _write("POST", "alerts/events/acknowledge", alerts.acknowledge_alerts),
    _read("alerts/events/{uid}", alerts.get_alert),
    _write("POST", "alerts/events/{uid}/acknowledge", alerts.acknowledge_alert),
    Route(
        method="GET",
        path="events",
        act=stream.wait_for_changes,
        scope="read",
        is_activity=False,
        handler=stream.StreamHandler,
    ),
)
"""Literal paths stand before those with a parameter in the same place."""


def handlers() -> list[tuple[str, type[Handler]]]:
    """Return patterns below the server's base URL and the handlers that answer them."""
    made = [
        (rf"/{API}/{pattern}", _handler(list(routes)))
        for pattern, routes in groupby(ROUTES, key=lambda route: route.pattern)
    ]
    return [*made, (rf"/{API}(?:/.*)?", NoSuchRoute)]


def _handler(routes: list[Route]) -> type[Handler]:
    """Make the handler of one path: it has a method for each verb, and refuses the others with 405.

    The methods are marked as open to everyone because `Handler.prepare` lets in whom Jupyter does not know.
    """
    base = routes[0].handler or Handler
    verbs = {route.method.lower(): allow_unauthenticated(base.act) for route in routes}
    return type(f"{base.__name__}:{routes[0].path}", (base,), {"routes": {r.method: r for r in routes}, **verbs})
