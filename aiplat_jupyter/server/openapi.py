"""The OpenAPI document, generated from the route table and the records.

``python -m aiplat_jupyter.server.openapi`` writes it beside this file; a test compares the two.
"""

import re
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, get_args, get_origin

import msgspec
from msgspec import Struct

from aiplat_jupyter.core.logs import LogChunk, LogEnd, LogGap, LogHits
from aiplat_jupyter.core.problems import Problem
from aiplat_jupyter.server import docstrings
from aiplat_jupyter.server.route import Route
from aiplat_jupyter.server.routes import API, ROUTES
from aiplat_jupyter.server.stream import Changes

FILE: Final = Path(__file__).with_name("openapi.json")
API_VERSION: Final = "1"
Json = dict[str, Any]


def document() -> Json:
    """Return the OpenAPI 3.1 document."""
    kinds = _records()
    schemas, components = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    by_kind = {repr(kind): schema for kind, schema in zip(kinds, schemas, strict=True)}
    sent = {repr(kind) for kind in _structs([route.body for route in ROUTES] + [route.query for route in ROUTES])}
    for kind in _structs(kinds):
        _document(components, kind, is_sent=repr(kind) in sent)
    paths: Json = {}
    for route in ROUTES:
        paths.setdefault("/" + route.path, {})[route.method.lower()] = _operation(route, by_kind)
    spec: Json = _finished(
        {
            "openapi": "3.1.0",
            "info": {"title": "aiplat_jupyter", "version": API_VERSION, "description": _DESCRIPTION},
            "servers": [{"url": f"/{API}", "description": "below the Jupyter server's base URL"}],
            "security": [{"token": []}, {"jupyter": []}],
            "paths": paths,
            "components": {
                "schemas": components,
                "securitySchemes": _SECURITY,
                "responses": {"Problem": _PROBLEM},
            },
        }
    )
    return spec


_DESCRIPTION: Final = (
    "Projects, experiments and curves. Bodies and answers are JSON, or MessagePack by Content-Type and Accept. "
    "Errors are problem documents (RFC 9457). Times are seconds since 1970 (UTC)."
)
_SECURITY: Final = {
    "token": {"type": "http", "scheme": "bearer", "description": "An aiplat token, aip_…"},
    "jupyter": {"type": "apiKey", "in": "header", "name": "Authorization", "description": "Jupyter's: token …"},
}
_PROBLEM: Final = {
    "description": "What went wrong, and what to do about it",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def _records() -> list[Any]:
    kinds = [kind for route in ROUTES for kind in (route.query, route.body, route.answer) if _is_record(kind)]
    return [*{repr(kind): kind for kind in [*kinds, Problem, Changes, LogHits, LogChunk, LogGap, LogEnd]}.values()]


def _is_record(kind: Any) -> bool:
    return kind is not None and kind is not bytes


def _operation(route: Route, by_kind: dict[str, Json]) -> Json:
    operation: Json = {
        "operationId": route.act.__name__,
        "summary": route.summary,
        "tags": [route.path.partition("/")[0]],
        "x-scope": route.scope,
        "parameters": [*_path_parameters(route), *_query_parameters(route)],
        "responses": {str(status): _success(route, status, by_kind) for status in route.statuses}
        | {"default": {"$ref": "#/components/responses/Problem"}},
    }
    if route.body is not None:
        operation["requestBody"] = {"required": True, "content": _body(route, by_kind)}
    return operation


def _path_parameters(route: Route) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": msgspec.json.schema(kind)}
        for name, kind in route.parameters.items()
    ]


def _query_parameters(route: Route) -> list[Json]:
    if route.query is None:
        return []
    said = docstrings.attributes(route.query)
    return [_query_parameter(field, said.get(field.name, "")) for field in msgspec.structs.fields(route.query)]


def _query_parameter(field: msgspec.structs.FieldInfo, said: str) -> Json:
    schema = msgspec.json.schema(field.type)
    [schema, *_] = schema.get("anyOf", [schema])
    parameter: Json = {"name": field.name, "in": "query", "schema": schema}
    if field.required:
        parameter["required"] = True
    elif field.default not in (msgspec.NODEFAULT, None):
        schema["default"] = field.default
    if get_origin(field.type) is list:
        parameter |= {"style": "form", "explode": True}
    return parameter | ({"description": said} if said else {})


def _success(route: Route, status: int, by_kind: dict[str, Json]) -> Json:
    answer: Json = {"description": HTTPStatus(status).phrase}
    if route.media:
        answer["content"] = {route.media: {"schema": {"type": "string"}}}
    if route.answer is None:
        return answer
    schema = {"schema": by_kind[repr(route.answer)]}
    answer["content"] = {"application/json": schema, "application/msgpack": schema}
    if route.answer is Changes:
        answer["content"]["text/event-stream"] = {"schema": {"type": "string"}}
    return answer


def _body(route: Route, by_kind: dict[str, Json]) -> Json:
    if route.body is bytes:
        return {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    schema = {"schema": by_kind[repr(route.body)]}
    return {"application/json": schema, "application/msgpack": schema}


def _structs(kinds: list[Any]) -> list[type[Struct]]:
    """Every record that these refer to, themselves included."""
    found: dict[str, Any] = {}

    def visit(kind: Any) -> None:
        origin = get_origin(kind) or kind
        if isinstance(origin, type) and issubclass(origin, Struct) and repr(kind) not in found:
            found[repr(kind)] = kind
            for field in msgspec.structs.fields(kind):
                visit(field.type)
        for argument in get_args(kind):
            visit(argument)

    for kind in kinds:
        visit(kind)
    return list(found.values())


def _document(components: Json, kind: Any, *, is_sent: bool) -> None:
    """Put what the docstrings say into the record's schema, and that answers have every field."""
    record = get_origin(kind) or kind
    schema = components[msgspec.json.schema(kind)["$ref"].rpartition("/")[2]]
    schema["description"] = docstrings.description(record)
    if not is_sent and not record.__struct_config__.omit_defaults:
        schema["required"] = list(schema["properties"])
    said = docstrings.attributes(record)
    for name, value in schema["properties"].items():
        if name in said:
            schema["properties"][name] = {"description": said[name], **value}


def _finished(node: Any) -> Any:
    """Name pages ``ProjectPage``; say of floats that may be NaN that JSON has null for them; put sets in order."""
    if isinstance(node, list):
        return [_finished(item) for item in node]
    if isinstance(node, str):
        return re.sub(r"\bPage_(\w+)_", r"\1Page", node)
    if not isinstance(node, dict):
        return sorted(node) if isinstance(node, set | frozenset) else node
    finished = {_finished(key): _finished(value) for key, value in node.items() if key != "x-nan"}
    if "x-nan" in node:
        finished["type"] = ["number", "null"]
    if finished.get("uniqueItems") and "default" in finished:
        finished["default"] = sorted(finished["default"])
    return finished


def encode(spec: Json) -> bytes:
    """Return the document as it is checked in."""
    return msgspec.json.format(msgspec.json.encode(spec), indent=2) + b"\n"


if __name__ == "__main__":
    FILE.write_bytes(encode(document()))
