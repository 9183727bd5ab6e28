"""What the records' docstrings say, for the OpenAPI document."""

import ast
import inspect
import re
from collections.abc import Iterator
from typing import Any


def description(kind: type) -> str:
    """Return the docstring of a record without its section on attributes."""
    return inspect.cleandoc(kind.__doc__ or "").partition("\nAttributes\n")[0].strip()


def attributes(kind: type) -> dict[str, str]:
    """Return what is said of each field: below it, or in the class's ``Attributes`` section, base classes first."""
    said: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if base.__module__.startswith(__name__.partition(".")[0]):
            said |= dict(_in_section(base)) | dict(_below_fields(base))
    return said


def _in_section(kind: type) -> Iterator[tuple[str, str]]:
    section = inspect.cleandoc(kind.__doc__ or "").partition("\nAttributes\n----------\n")[2]
    for names, text in re.findall(r"^(\w[\w, ]*) : (.*(?:\n .*)*)", section, re.MULTILINE):
        for name in names.split(", "):
            yield name, _one_line(text)


def _below_fields(kind: type) -> Iterator[tuple[str, str]]:
    [definition] = ast.parse(inspect.cleandoc("\n" + inspect.getsource(kind))).body
    assert isinstance(definition, ast.ClassDef)
    for field, below in zip(definition.body, definition.body[1:], strict=False):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, _one_line(text)


def _one_line(text: Any) -> str:
    return " ".join(str(text).split())
