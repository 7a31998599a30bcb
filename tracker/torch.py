"""What trainwatt knows of PyTorch. PyTorch itself is imported when a function here is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .errors import ConfigurationError
from .log import warn

__all__ = ["count_flops"]


def count_flops(step: Callable[..., object], /, *arguments: object, **named: object) -> int:
    """The floating-point operations of one step of a training, for `tracker.update(flops=…)`. The step is called once, really: it trains.

    PyTorch counts (`torch.utils.flop_counter.FlopCounterMode`): matrix multiplications, convolutions and attention have a formula, in the
    forward and in the backward pass, with a multiplication and an addition as two operations. What has none, such as normalisation, an
    activation or the optimizer, counts as 0; so do kernels of other libraries, and what `torch.compile` or a CUDA graph has made of a step:
    give the step before it is compiled. What is computed twice, as with activation checkpointing, counts twice. Of a step in several
    processes, those of this process count. If nothing in the step has a formula, the result is 0, and a line in the log says so.

    Raises ConfigurationError without PyTorch 2.1 or newer, and what the step raises.
    """
    try:
        from torch.utils.flop_counter import FlopCounterMode
    except ImportError as error:
        raise ConfigurationError(f"count_flops needs PyTorch 2.1 or newer ({error}): pip install 'trainwatt[torch]'") from error
    with FlopCounterMode(display=False, custom_mapping=_further_formulas()) as counter:
        step(*arguments, **named)
    if not (flops := int(counter.get_total_flops())):
        warn("count_flops: PyTorch has a formula for no operation of this step; give the step before torch.compile, or count by hand")
    return flops


def _further_formulas() -> dict[Any, Callable[..., int]]:
    """Formulas for the attention of processors, which PyTorch counts on GPUs only: those that it has for attention, from shapes."""
    from torch import ops
    from torch.utils.flop_counter import sdpa_backward_flop_count, sdpa_flop_count

    def forward(query: Any, key: Any, value: Any, *_: object, **__: object) -> int:
        return int(sdpa_flop_count(query, key, value))

    def backward(gradient: Any, query: Any, key: Any, value: Any, *_: object, **__: object) -> int:
        return int(sdpa_backward_flop_count(gradient, query, key, value))

    name = "_scaled_dot_product_flash_attention_for_cpu"
    return {getattr(ops.aten, n): f for n, f in ((name, forward), (f"{name}_backward", backward)) if hasattr(ops.aten, n)}
