"""What may be logged: numbers of any kind, by name; nested mappings become ``a/b``."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from aiplat_jupyter.core.errors import InvalidInput
from aiplat_jupyter.core.frames import MAX_KEY

PLAIN: Final[set[type]] = {float, int, bool}
"""Types whose conversion to float waits for no device. NumPy's join when they are first met."""

Later = Callable[[], float]
"""Yields the number, when asked in another thread: its device may still be computing it."""


def numbers(data: Any, complain: Callable[[str, InvalidInput], None]) -> dict[str, float | Later]:
    """Return the numbers in `data` by name; call `complain` with the key of whatever is none."""
    accepted: dict[str, float | Later] = {}
    for name, value in _flatten(data, ""):
        try:
            accepted[name] = _to_number(name, value)
        except InvalidInput as error:
            complain(name, error)
    return accepted


def _flatten(data: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """Yield (name, value) of each entry; the value is an error where the name is wrong."""
    if not isinstance(data, Mapping):
        yield "", InvalidInput(f"log() takes a dict of numbers, not {type(data).__name__}.")
        return
    for key, value in data.items():
        name = f"{prefix}{key}"
        if not isinstance(key, str) or not key:
            yield name, InvalidInput(f"The key {_shorten(key)} is dropped: names of metrics are non-empty strings.")
        elif isinstance(value, Mapping):
            yield from _flatten(value, f"{name}/")
        elif len(name) > MAX_KEY or not _is_utf8(name):
            fix = f"names of metrics are Unicode of ≤ {MAX_KEY} characters."
            yield _shorten(name), InvalidInput(f"The key {_shorten(name)} is dropped: {fix}")
        else:
            yield name, value


def _to_number(name: str, value: Any) -> float | Later:
    """Return `value` as a float, or what will yield it. Raise `InvalidInput` naming the key if it is no number."""
    if isinstance(value, InvalidInput):
        raise value
    if type(value) in PLAIN:
        number: float = value
    elif (later := _on_device(value)) is not None:
        return later
    else:
        number = _convert(name, value)
    try:
        return float(number)
    except OverflowError:
        raise InvalidInput(f"The value of {name!r} is dropped: it is too large for a 64-bit float.") from None


def _convert(name: str, value: Any) -> float:
    if hasattr(type(value), "__float__") and not isinstance(value, str | bytes):
        with suppress(TypeError, ValueError, RuntimeError):
            number = float(value.item() if hasattr(value, "item") else value)
            _learn(type(value))
            return number
    raise InvalidInput(
        f"The value of {name!r} is dropped: {_shorten(value)} of type {type(value).__name__} is not a number.",
        hint="Texts and settings belong into exp.config or exp.summary.",
    )


def _learn(kind: type) -> None:
    numpy = sys.modules.get("numpy")
    if issubclass(kind, float | int) or (numpy and issubclass(kind, numpy.floating | numpy.integer | numpy.bool_)):
        PLAIN.add(kind)


def _on_device(value: Any) -> Later | None:
    """Return how to get the number of a tensor that may wait for an accelerator, else None."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        return _of_torch(torch, value)
    if type(value).__module__.partition(".")[0] in ("jax", "jaxlib"):
        return lambda: float(value)
    return None  # CuPy's wait for their device: its thread-local streams make reading them elsewhere unsafe


def _of_torch(torch: Any, tensor: Any) -> Later | None:
    """Copy the tensor on its device, which waits for nothing: training may change it in place or free it at once.

    The copy is read on the stream that it was made on; another stream could read it too early.
    """
    device = tensor.device.type
    if device == "cpu" or tensor.numel() != 1:
        return None
    copy = tensor.detach().clone()
    backend: Any = getattr(torch, device, None)
    if not hasattr(backend, "current_stream"):
        return lambda: float(copy.item())
    stream = backend.current_stream(tensor.device)

    def read() -> float:
        with backend.stream(stream):
            return float(copy.item())

    return read


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
