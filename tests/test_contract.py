"""The OpenAPI document, the route table, the handlers and the answers of a live server agree."""

import re
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from aiplat_jupyter import platform
from aiplat_jupyter.pytest_plugin import Ask
from aiplat_jupyter.server import openapi
from aiplat_jupyter.server.route import Route
from aiplat_jupyter.server.routes import API, ROUTES, handlers
from tests.server.world import NOUNS, build, name, send

SPEC = openapi.document()
API_PAGE = Path(__file__).parents[1] / "docs" / "users" / "api.md"


def test_the_document_that_is_checked_in_is_up_to_date() -> None:
    assert openapi.FILE.read_bytes() == openapi.encode(SPEC), "run: python -m aiplat_jupyter.server.openapi"


def test_the_document_is_openapi() -> None:
    validate(SPEC)


def test_there_is_one_number_of_the_api() -> None:
    assert SPEC["info"]["version"] == str(platform.API)
    assert API.endswith(f"/v{platform.API}")


def test_document_and_routes_name_the_same() -> None:
    written = {f"{verb.upper()} {path[1:]}" for path, verbs in SPEC["paths"].items() for verb in verbs}
    assert written == {name(route) for route in ROUTES}
    identifiers = [verb["operationId"] for verbs in SPEC["paths"].values() for verb in verbs.values()]
    assert len(identifiers) == len(set(identifiers))


@pytest.mark.parametrize("route", ROUTES, ids=name)
def test_a_route_is_answered_by_its_own_handler(route: Route) -> None:
    values = {"uid": "0a1b2c", "username": "ada", "verb": "restore"}
    path = f"/{API}/" + route.path.format(**values)
    handler = next(handler for pattern, handler in handlers() if re.fullmatch(pattern, path))
    assert handler.routes[route.method].path == route.path


def test_every_record_says_what_it_is() -> None:
    for record, schema in SPEC["components"]["schemas"].items():
        assert schema["description"], record


@pytest.mark.parametrize("noun", NOUNS)
async def test_live_answers_are_what_the_document_says(aiplat_ask: Ask, noun: str) -> None:
    for route in NOUNS[noun]:
        minted = await aiplat_ask("POST", "auth/token", {"name": "t"}, status=201)
        answer = await send(aiplat_ask, route, await build(aiplat_ask), {}, minted.record["token"]["uid"])
        written = SPEC["paths"]["/" + route.path][route.method.lower()]["responses"][str(answer.status)]
        if answer.status == 204:
            assert "content" not in written
        elif "application/json" not in written["content"]:
            assert answer.headers["Content-Type"].partition(";")[0] in written["content"]
        else:
            schema = written["content"]["application/json"]["schema"]
            OAS31Validator(with_components(schema)).validate(answer.record)


async def test_live_problems_are_what_the_document_says(aiplat_ask: Ask) -> None:
    problem = SPEC["components"]["responses"]["Problem"]["content"]["application/problem+json"]["schema"]
    for method, path, body in (
        ("GET", "projects/none", None),
        ("POST", "projects", {"name": 1}),
        ("GET", "nowhere", None),
        ("DELETE", "server", None),
    ):
        answer = await aiplat_ask(method, path, body, status=None)
        assert answer.status >= 400
        OAS31Validator(with_components(problem)).validate(answer.record)


def with_components(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema beside the components that it refers to, and closed: what is not written is refused."""
    closed = {
        record: {**written, "unevaluatedProperties": False} if written.get("type") == "object" else written
        for record, written in SPEC["components"]["schemas"].items()
    }
    return {**schema, "components": {"schemas": closed}}


def test_every_route_is_documented() -> None:
    page = API_PAGE.read_text()
    assert set(re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) [^`]+)`", page)) == {name(route) for route in ROUTES}
    for route in ROUTES:
        assert route.summary.rstrip(".") in page, name(route)
