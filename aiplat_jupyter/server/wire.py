"""Bodies, query strings and answers: bytes to checked records, and records to bytes."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, get_origin

import msgspec

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


def decode_query(kind: Any, arguments: Mapping[str, Sequence[bytes]]) -> Any:
    """Return the record in a query string. A list repeats its parameter, or is one value with commas.

    A parameter that is left empty counts as not given. Raise `InvalidInput` that names the field.
    """
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    given: dict[str, Any] = {}
    for name, values in arguments.items():
        if name in _IGNORED:
            continue
        if name not in fields:
            known = ", ".join(fields)
            raise InvalidInput(f"There is no parameter {name!r}.", fields={name: f"Unknown. There are: {known}."})
        texts = _texts(name, values)
        if any(texts):
            given[name] = _list(texts) if get_origin(fields[name].type) is list else _single(name, texts)
    try:
        query = msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise _invalid(error) from error
    _check_numbers(query)
    return query


def _texts(name: str, values: Sequence[bytes]) -> list[str]:
    try:
        return [value.decode() for value in values]
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{name} is not UTF-8.", fields={name: str(error)}) from error


def _list(texts: list[str]) -> list[str]:
    items = texts[0].split(",") if len(texts) == 1 else texts
    return [item for item in items if item]


def _single(name: str, texts: list[str]) -> str:
    if len(texts) > 1:
        raise InvalidInput(f"{name} is given {len(texts)} times.", fields={name: "Give it once."})
    return texts[0]


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
