"""What `huggingface.py` knows about the Trainer of Hugging Face."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from math import isfinite, prod
from numbers import Real
from typing import Any

NO_METRICS = ("_runtime", "_per_second", "_time", "_flos", "grad_norm", "learning_rate", "epoch", "num_input_tokens_seen", "_loss_sum")
"""How the logged values end that do not tell how good the model is."""


def trainer_of(callback: object) -> Any:
    """The Trainer whose hook is being called, or None. A hook is not given its Trainer, but the Trainer is among its callers."""
    frame = sys._getframe()
    while (caller := frame.f_back) is not None:
        frame = caller
        owner = frame.f_locals.get("self")
        if owner is not None and any(found is callback for found in callbacks_of(owner)):
            return owner
    return None


def callbacks_of(trainer: object) -> list[Any]:
    """The callbacks of a Trainer; of another object, none."""
    found = getattr(vars(trainer).get("callback_handler") if hasattr(trainer, "__dict__") else None, "callbacks", ())
    return list(found) if isinstance(found, list) else []


def counted(inputs: object) -> dict[str, int]:
    """The samples of a batch, and the tokens if it has `input_ids`: with the padding, because the model computes it too."""
    if not isinstance(inputs, Mapping):
        return {}
    sizes = {name: tuple(value.shape) for name, value in inputs.items() if getattr(value, "shape", None)}
    ids = sizes.get("input_ids")
    samples = ids if ids is not None else next(iter(sizes.values()), None)
    work = {} if samples is None else {"samples": int(samples[0])}
    return work if ids is None else {**work, "tokens": int(prod(ids))}


def metrics_in(logs: Mapping[str, object]) -> dict[str, float]:
    """The logged values that tell how good the model is."""
    return {
        name: float(value)
        for name, value in logs.items()
        if isinstance(value, Real) and isfinite(value) and not name.endswith(NO_METRICS) and not name.startswith("energy/")
    }


def run_of(state: object, name: str) -> str | None:
    """The id of the run in the state of a Trainer, if a checkpoint has given it: then steps are done. None in a training that begins."""
    if not getattr(state, "global_step", 0):
        return None
    kept = (getattr(state, "stateful_callbacks", None) or {}).get(name)
    several: Iterable[Any] = kept if isinstance(kept, list) else [kept]
    found = [attributes.get("run_before") for one in several if isinstance(one, Mapping) and (attributes := one.get("attributes"))]
    return next((run_id for run_id in found if isinstance(run_id, str)), None)
