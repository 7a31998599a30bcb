"""What trainwatt knows of PyTorch. PyTorch itself is imported when a function here is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .errors import ConfigurationError
from .log import warn

__all__ = ["count_flops"]

_HEAVY = ("rnn", "lstm", "gru", "transformer_encoder", "multi_head_attention", "attention", "sparse", "fft", "cdist", "linalg", "trilinear")
"""What is in the names of operations that take much computing, of which PyTorch has a formula for a few only."""
_LIGHT = ("backward", "format", "to_sparse", "_indices", "_values", "coalesce")


def count_flops(step: Callable[..., object], /, *arguments: object, **named: object) -> int:
    """The floating-point operations of one step of a training, for `tracker.update(flops=…)`. The step is called once, really: it trains.

    PyTorch counts (`torch.utils.flop_counter.FlopCounterMode`): matrix multiplications, convolutions and attention have a formula, in the
    forward and in the backward pass, with a multiplication and an addition as two operations. What has none counts as 0: normalisation,
    activations and the optimizer, which take little; but also fused layers, such as an LSTM or an encoder in evaluation mode, whose names
    are logged then. Kernels of other libraries, and what a compiler has made of a step with kernels of its own, are not seen at all: give
    the step before `torch.compile`. What is computed twice, as with activation checkpointing, may count twice. Of a step in several
    processes, those of this process count. If nothing in the step has a formula, the result is 0, and a line in the log says so.

    Raises ConfigurationError without PyTorch 2.2 or newer, and what the step raises.
    """
    try:
        from torch.utils.flop_counter import FlopCounterMode
    except ImportError as error:
        raise ConfigurationError(f"count_flops needs PyTorch 2.2 or newer ({error}): pip install 'trainwatt[torch]'") from error
    uncounted: dict[str, None] = {}
    counter = FlopCounterMode(display=False, custom_mapping=_further_formulas())
    with counter, _watching(counter.flop_registry, uncounted):
        step(*arguments, **named)
    flops = int(counter.get_total_flops())
    if uncounted:
        warn("count_flops: PyTorch has no formula for %s, which count as 0: add them by hand", ", ".join(uncounted))
    elif not flops:
        warn("count_flops: PyTorch has a formula for no operation of this step; give the step before torch.compile, or count by hand")
    return flops


def _watching(known: Any, uncounted: dict[str, None]) -> Any:
    """A mode of PyTorch that notes the names of heavy operations without a formula."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Watching(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            name = str(func.overloadpacket)
            if func.overloadpacket not in known and any(heavy in name for heavy in _HEAVY) and not any(light in name for light in _LIGHT):
                uncounted[name] = None
            return func(*args, **(kwargs or {}))

    watching: Any = Watching
    return watching()


def _further_formulas() -> dict[Any, Callable[..., int]]:
    """Formulas from shapes that PyTorch lacks: for the attention of processors, those that it has for GPUs, and for products of vectors."""
    from torch import ops
    from torch.utils.flop_counter import sdpa_backward_flop_count, sdpa_flop_count

    def forward(query: Any, key: Any, value: Any, *_: object, **__: object) -> int:
        return int(sdpa_flop_count(query, key, value))

    def backward(gradient: Any, query: Any, key: Any, value: Any, *_: object, **__: object) -> int:
        return int(sdpa_backward_flop_count(gradient, query, key, value))

    def of_vector(matrix: Any, *_: object, **__: object) -> int:
        rows, *columns = matrix
        return int(2 * rows * (columns[0] if columns else 1))

    def added(_: Any, matrix: Any, *__: object, **___: object) -> int:
        return of_vector(matrix)

    attention = "_scaled_dot_product_flash_attention_for_cpu"
    formulas: dict[str, Callable[..., int]] = {
        attention: forward,
        f"{attention}_backward": backward,
        "mv": of_vector,
        "dot": of_vector,
        "vdot": of_vector,
        "addmv": added,
    }
    return {getattr(ops.aten, name): formula for name, formula in formulas.items() if hasattr(ops.aten, name)}
