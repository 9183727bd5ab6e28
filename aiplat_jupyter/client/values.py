"""What may be logged: numbers of any kind, by name; nested mappings become ``a/b``."""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from functools import cache
from typing import Any, Final, NamedTuple

from aiplat_jupyter.core.errors import InvalidInput
from aiplat_jupyter.core.frames import MAX_KEY

PLAIN: Final[set[type]] = {float, int, bool}
"""Types whose conversion to float waits for no device. NumPy's join when they are first met."""


class OnTorch(NamedTuple):
    """Where PyTorch's tensors are: those in the same place are read with one question to their device."""

    torch: Any
    backend: Any
    stream: Any
    """On which they were copied: on another one they could be read too early. None where devices have none."""
    device: Any
    dtype: Any
    shape: Any
    alone: object
    """Something of its own for a tensor of a subclass, which may not know how to be stacked; else None."""

    def read(self, tensors: Sequence[Any]) -> list[float]:
        """Wait for the device, and return the numbers."""
        with self.backend.stream(self.stream) if self.stream is not None else nullcontext():
            if len(tensors) == 1:
                return [float(tensors[0].item())]
            return [float(number) for number in self.torch.stack(tensors).flatten().tolist()]


class OnJax(NamedTuple):
    """Where JAX's arrays are, wherever that is."""

    jax: Any

    def read(self, arrays: Sequence[Any]) -> list[float]:
        """Wait for the devices, and return the numbers."""
        return [float(array.item()) for array in self.jax.device_get(list(arrays))]


class Later:
    """A number that its device may still be computing: to be asked for in another thread than the training's."""

    __slots__ = ("held", "number", "place")

    def __init__(self, place: OnTorch | OnJax, held: Any) -> None:
        self.place = place
        self.held = held
        self.number: float | None = None

    def known(self) -> float:
        """Return the number, waiting for the device. Raise whatever its library raises."""
        if self.number is None:
            [self.number] = self.place.read([self.held])
        return self.number


def await_together(numbers: Iterable[Later]) -> None:
    """Wait for all of them, with one question for those in the same place.

    What fails is left to be asked alone, as is what a library's objects make no key of a dict.
    """
    places: defaultdict[OnTorch | OnJax, list[Later]] = defaultdict(list)
    for number in numbers:
        with suppress(TypeError):
            places[number.place].append(number)
    for place, beside in places.items():
        with suppress(Exception):
            for each, told in zip(beside, place.read([each.held for each in beside]), strict=True):
                each.number = told


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
        return _of_jax(sys.modules["jax"], value)
    return None  # CuPy's wait for their device: its thread-local streams make reading them elsewhere unsafe


def _of_torch(torch: Any, tensor: Any) -> Later | None:
    """Copy the tensor on its device, which waits for nothing: training may change it in place or free it at once."""
    device = tensor.device
    if device.type == "cpu" or tensor.numel() != 1:
        return None
    backend: Any = getattr(torch, device.type, None)
    stream = backend.current_stream(device) if hasattr(backend, "current_stream") else None
    copy = tensor.detach().clone()
    alone = None if type(copy) is torch.Tensor else object()
    return Later(OnTorch(torch, backend, stream, device, tensor.dtype, tensor.shape, alone), copy)


def _of_jax(jax: Any, value: Any) -> Later:
    """Copy the array on its device if that is done here alone: training may give it to its next step to reuse."""
    is_array = isinstance(value, jax.Array) and not isinstance(value, jax.core.Tracer)
    if is_array and value.is_fully_addressable and value.size == 1:
        value = _copying(jax)(value)
    return Later(OnJax(jax), value)


@cache
def _copying(jax: Any) -> Callable[[Any], Any]:
    copying: Callable[[Any], Any] = jax.jit(jax.numpy.copy)
    return copying


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
