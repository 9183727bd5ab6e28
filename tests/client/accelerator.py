"""An accelerator, as `log` meets it: PyTorch and JAX with devices whose numbers are ready when the test says."""

import math
import threading
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np


class Torch:
    """What `log` knows of PyTorch. A tensor that is NaN fails when it is read."""

    def __init__(self) -> None:
        torch = self
        self.ready = threading.Event()
        self.questions: list[tuple[str, int]] = []
        """Which thread asked, for how many numbers."""
        self.on_stream: list[str] = []

        class Device:
            type = "gpu"

        class Tensor:
            device = Device()
            dtype = "float32"
            shape = ()

            def __init__(self, *numbers: float) -> None:
                self.numbers = numbers

            def numel(self) -> int:
                return len(self.numbers)

            def detach(self) -> "Tensor":
                return self

            def clone(self) -> "Tensor":
                return type(self)(*self.numbers)

            def item(self) -> float:
                [number] = torch.read(self.numbers)
                return number

            def flatten(self) -> "Tensor":
                return self

            def tolist(self) -> list[float]:
                return torch.read(self.numbers)

            def __float__(self) -> float:
                raise AssertionError("log() waited for the device")

        class Stream:
            def __enter__(self) -> None:
                torch.on_stream.append("entered")

            def __exit__(self, *_: object) -> None:
                pass

        stream = Stream()
        self.Tensor = Tensor
        self.gpu = ModuleType("torch.gpu")
        vars(self.gpu).update(current_stream=lambda device: stream, stream=lambda stream: stream)

    def read(self, numbers: tuple[float, ...]) -> list[float]:
        assert self.ready.wait(10)
        self.questions.append((threading.current_thread().name, len(numbers)))
        if any(math.isnan(number) for number in numbers):
            raise RuntimeError("device-side assert")
        return list(numbers)

    def stack(self, tensors: list[Any]) -> Any:
        if any(type(tensor) is not self.Tensor for tensor in tensors):
            raise NotImplementedError("a tensor of a subclass is not stacked")
        return self.Tensor(*(number for tensor in tensors for number in tensor.numbers))


class JaxArray(np.ndarray[Any, Any]):
    """An array of one device, or with `is_far` of several machines. `donate` gives its memory to a later step."""

    __module__ = "jaxlib._jax"
    is_far = False
    is_gone = False

    @property
    def is_fully_addressable(self) -> bool:
        return not self.is_far

    def donate(self) -> None:
        self.is_gone = True


class Jax(ModuleType):
    """What `log` knows of JAX."""

    Array = JaxArray
    core = SimpleNamespace(Tracer=type("Tracer", (), {}))
    numpy = np

    def __init__(self) -> None:
        super().__init__("jax")
        self.readers: list[str] = []

    def array(self, value: Any) -> JaxArray:
        return np.asarray(value).view(JaxArray)

    def jit(self, act: Callable[[Any], Any]) -> Callable[[Any], JaxArray]:
        return lambda array: act(array).view(JaxArray)

    def device_get(self, arrays: list[JaxArray]) -> list[Any]:
        self.readers.append(threading.current_thread().name)
        if any(array.is_gone for array in arrays):
            raise RuntimeError("Array has been deleted")
        return [np.asarray(array) for array in arrays]
