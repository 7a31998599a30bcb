"""PURE: what a user chooses by a word: what grams of electricity count, and the kinds of numbers that a program computes with."""

from __future__ import annotations

from enum import StrEnum


class Basis(StrEnum):
    """What an emission factor counts. The values are in the tables, in series of the user, in settings and in the JSON."""

    LIFECYCLE = "lifecycle"
    """With the supply of the fuel and the building of the plants."""
    DIRECT = "direct"
    """The stack alone."""


def basis_named(text: str) -> Basis | None:
    """The basis of that name, also as "life-cycle"; None if there is none."""
    return next((basis for basis in Basis if basis.value == text.strip().lower().replace("-", "")), None)


class Precision(StrEnum):
    """The numbers of a matrix multiplication, as PyTorch and manufacturers call them. FP32 is without tensor cores, TF32 is with them."""

    FP64 = "fp64"
    FP32 = "fp32"
    TF32 = "tf32"
    BF16 = "bf16"
    FP16 = "fp16"
    FP8 = "fp8"


DEFAULT_PRECISION = Precision.BF16
"""What large models are trained in, and what utilisations of models in papers refer to."""
_NAMES = {
    **{"float64": Precision.FP64, "double": Precision.FP64, "64": Precision.FP64, "64-true": Precision.FP64},
    **{"float32": Precision.FP32, "float": Precision.FP32, "32": Precision.FP32, "32-true": Precision.FP32},
    **{"bfloat16": Precision.BF16, "bf16-mixed": Precision.BF16, "bf16-true": Precision.BF16},
    **{"float16": Precision.FP16, "half": Precision.FP16, "16": Precision.FP16, "16-mixed": Precision.FP16, "16-true": Precision.FP16},
    **{"float8_e4m3fn": Precision.FP8, "float8_e5m2": Precision.FP8, "transformer-engine": Precision.FP8},
}


def precision_named(text: str) -> Precision | None:
    """A precision by its name, or as PyTorch and Lightning write it: "torch.bfloat16", "16-mixed". None if there is no such one."""
    name = text.strip().lower().removeprefix("torch.")
    return _NAMES.get(name) or next((precision for precision in Precision if precision == name), None)
