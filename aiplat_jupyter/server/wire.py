"""Bodies, query strings and answers: bytes to checked records, and records to bytes."""

import asyncio
import math
import re
from typing import Any, Final, get_origin
from urllib.parse import unquote_plus

import msgspec

from aiplat_jupyter.core.curves import CurveAnswer
from aiplat_jupyter.core.errors import InvalidInput

JSON: Final = "application/json"
MSGPACK: Final = "application/msgpack"
_IGNORED: Final = {"token", "_xsrf", "no_track_activity"}
"""Query parameters that are Jupyter's."""
_INT64: Final = 1 << 63
_PLACE: Final = re.compile(r"(?P<what>.*?)(?: - at `(?:key in )?\$\.?(?P<path>.*)`)?", re.DOTALL)
_NAMED: Final = re.compile(r"Object (?:missing required|contains unknown) field `(.*)`")


def format_of(header: str) -> str:
    """Return which of our two formats an ``Accept`` or ``Content-Type`` header asks for."""
    return MSGPACK if "msgpack" in header else JSON


def encode(answer: Any, media_type: str) -> bytes:
    """Return the answer's bytes. NaN and ±Inf are null in JSON."""
    return msgspec.msgpack.encode(answer) if media_type == MSGPACK else msgspec.json.encode(answer)


async def encode_apart(answer: Any, media_type: str) -> bytes:
    """Return the same bytes; large answers are encoded on a thread, in parts that hold the interpreter briefly."""
    if isinstance(answer, CurveAnswer):
        return await asyncio.to_thread(_encode_curves, answer, media_type)
    return encode(answer, media_type)


def _encode_curves(answer: CurveAnswer, media_type: str) -> bytes:
    curves = [msgspec.Raw(encode(curve, media_type)) for curve in answer.curves]
    return encode({"curves": curves, "cursor": answer.cursor}, media_type)


def decode_body(kind: Any, body: bytes, content_type: str) -> Any:
    """Return the record in `body`. Raise `InvalidInput` that names the field."""
    if kind is bytes:
        return body
    try:
        if format_of(content_type) == MSGPACK:
            return msgspec.msgpack.decode(body, type=kind)
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise _invalid(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        name = "MessagePack" if format_of(content_type) == MSGPACK else "JSON"
        raise InvalidInput(
            f"The body is not {name}: {error}.",
            hint="Say in Content-Type what the body is.",
            fields={"body": str(error)},
        ) from error


def decode_query(kind: Any, query: str) -> Any:
    """Return the record in a URL's query string.

    A list repeats its parameter, or has commas; a comma within an item is percent-encoded. A parameter that is left
    empty counts as not given. Raise `InvalidInput` that names the field.
    """
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    given: dict[str, Any] = {}
    for name, values in _parameters(query).items():
        if name not in fields:
            known = ", ".join(fields)
            raise InvalidInput(f"There is no parameter {name!r}.", fields={name: f"Unknown. There are: {known}."})
        is_list = get_origin(fields[name].type) is list
        given[name] = _items(name, values) if is_list else _single(name, values)
    try:
        record = msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise _invalid(error) from error
    _check_numbers(record)
    return record


def _parameters(query: str) -> dict[str, list[str]]:
    """Return the values that are not empty, still percent-encoded."""
    found: dict[str, list[str]] = {}
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if value and (name := _text("query", name)) not in _IGNORED:
            found.setdefault(name, []).append(value)
    return found


def _text(name: str, encoded: str) -> str:
    try:
        return unquote_plus(encoded, errors="strict")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{name} is not UTF-8.", fields={name: str(error)}) from error


def _items(name: str, values: list[str]) -> list[str]:
    return [_text(name, item) for value in values for item in value.split(",") if item]


def _single(name: str, values: list[str]) -> str:
    if len(values) > 1:
        raise InvalidInput(f"{name} is given {len(values)} times.", fields={name: "Give it once."})
    return _text(name, values[0])


def _check_numbers(query: msgspec.Struct) -> None:
    for name, value in msgspec.structs.asdict(query).items():
        if isinstance(value, float) and not math.isfinite(value):
            raise InvalidInput(f"{name} is {value}.", fields={name: "Give a finite number."})
        if isinstance(value, int) and not -_INT64 <= value < _INT64:
            raise InvalidInput(f"{name} is too large.", fields={name: "Give a number of 64 bits."})


def _invalid(error: msgspec.ValidationError) -> InvalidInput:
    found = _PLACE.fullmatch(str(error))
    assert found is not None
    path, what = found["path"] or "", found["what"]
    if named := _NAMED.fullmatch(what):
        path = f"{path}.{named[1]}" if path else named[1]
    return InvalidInput(f"{path or 'body'}: {what}.", fields={path or "body": what})
