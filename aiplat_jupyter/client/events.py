"""Server-sent events: the text of a response, taken apart."""

from collections.abc import Iterator


def events(lines: Iterator[bytes]) -> Iterator[dict[bytes, bytes]]:
    """Yield the fields (``id``, ``event``, ``data``) of each event; comments are events with a nameless field."""
    fields: dict[bytes, bytes] = {}
    for line in lines:
        if line.strip():
            name, _, value = line.rstrip(b"\r\n").partition(b":")
            fields[name] = value.removeprefix(b" ")
        else:
            yield fields
            fields = {}
