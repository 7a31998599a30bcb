"""PURE: metrics of a training, such as the loss on validation data: what is kept of them, and which values are better.

The lowest and the highest value and the last one are always kept. Of the values over time, so many are kept that they can be drawn: as
much for a million values as for a thousand.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from enum import StrEnum
from typing import NamedTuple

from ..errors import TrainwattError
from ..texts import repr_of
from ..unwarned import unwarned

LONGEST_NAME = 100
MOST_METRICS = 100
"""The most metrics that a process keeps. A program that makes names from its data would fill the database."""

EXTREMES = ("last", "lowest", "highest")
"""The fields of a metric that are values of it."""


class Better(StrEnum):
    """Which values of a metric are better."""

    LOWER = "lower"
    HIGHER = "higher"


class Metric(NamedTuple):
    """The values of a metric so far. `lowest_number` is the place of the lowest value among them, from 1, the first one of equal values;
    `lowest_next_t_ns` is when the value after it was logged, None if it is the last. The same for the highest."""

    values_logged: int
    last: float
    last_t_ns: int
    lowest: float
    lowest_number: int
    lowest_t_ns: int
    lowest_next_t_ns: int | None
    highest: float
    highest_number: int
    highest_t_ns: int
    highest_next_t_ns: int | None

    @classmethod
    def first(cls, value: float, t_ns: int) -> Metric:
        """A metric with its first value."""
        return cls(1, value, t_ns, value, 1, t_ns, None, value, 1, t_ns, None)

    def extended(self, value: float | None, t_ns: int) -> Metric:
        """With one more value. One that is not finite (None) counts, and is neither the last nor better than any."""
        number = self.values_logged + 1
        found = self._replace(
            values_logged=number,
            lowest_next_t_ns=_next(self.lowest_next_t_ns, t_ns),
            highest_next_t_ns=_next(self.highest_next_t_ns, t_ns),
        )
        if value is None:
            return found
        if value < found.lowest:
            found = found._replace(lowest=value, lowest_number=number, lowest_t_ns=t_ns, lowest_next_t_ns=None)
        if value > found.highest:
            found = found._replace(highest=value, highest_number=number, highest_t_ns=t_ns, highest_next_t_ns=None)
        return found._replace(last=value, last_t_ns=t_ns)


class MetricPoint(NamedTuple):
    """A value of a metric at an instant of the monotonic clock. `seq` is its number among the finite values of its process, from 0; `step`
    is what the user says that it belongs to, such as an epoch."""

    seq: int
    t_ns: int
    step: int | None
    value: float


def _next(known_t_ns: int | None, t_ns: int) -> int:
    return t_ns if known_t_ns is None else known_t_ns


def number_of(name: str, given: object) -> float | None:
    """A value as a number; None if it is not finite, as the loss of a training that diverges, or too large. Raises TrainwattError, and what
    the user's type raises."""
    if isinstance(given, str | bytes | bytearray):
        raise TrainwattError(f"{name[:LONGEST_NAME]}={repr_of(given)}: a value of a metric is a number")
    try:
        value = given if type(given) is float else unwarned(float, given)  # type: ignore[arg-type]
    except OverflowError:  # an integer above all floats
        return None
    except (TypeError, ValueError):
        raise TrainwattError(f"{name[:LONGEST_NAME]}={repr_of(given)}: a value of a metric is a number") from None
    return value if math.isfinite(value) else None


_LOWER = ("[a-z]*loss|err|errors?|perplexity|ppl|r?mse|mae|mape|nll|bpb|bpc|bits_per_byte|wer|cer|eer|fid|cross_?entropy|mean_rank|regret",)
_HIGHER = (
    "acc|accuracy|precision|recall|f[0-9.]+|f_?score|fbeta|auc|auroc|auprc|roc_?auc|ap|map|iou|miou|dice|jaccard|r2|r_?squared|mcc|kappa",
    "ndcg|mrr|hits|bleu|chrf|meteor|rouge[a-z0-9]*|cider|psnr|ssim|em|exact_?match|score|reward|return|win_?rate|success|success_?rate|elbo",
)


def _words(*of: str) -> re.Pattern[str]:
    return re.compile(rf"(?:^|[^a-z])(?:{'|'.join(of)})(?![a-z])")


_IS_LOWER, _IS_HIGHER = _words(*_LOWER), _words(*_HIGHER)
_OF_TRAINING, _HELD_OUT = _words("train[a-z]*"), _words("val", "valid", "validation", "eval", "evaluation", "dev", "held_?out", "test")


def better(name: str) -> Better | None:
    """Which values are better, by the words in the name of a metric: of a loss or an error the lower ones, of an accuracy or a score the
    higher ones. None if the name does not tell, or tells both."""
    named = _split(name)
    lower, higher = _IS_LOWER.search(named) is not None, _IS_HIGHER.search(named) is not None
    return None if lower == higher else Better.LOWER if lower else Better.HIGHER


def telling(names: Collection[str]) -> list[str]:
    """Those of the metrics that tell how good a model is: of data that it is not trained on, by their names. Where no name says so, all but
    those of the data that it is trained on, which go on getting better when the model does not."""
    held_out = [name for name in names if _HELD_OUT.search(_split(name))]
    return held_out or [name for name in names if not _OF_TRAINING.search(_split(name))]


def _split(name: str) -> str:
    """The name in lower case, with its words apart: "valLoss" is "val_loss", and "mAP" is one word."""
    return re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", "_", name).lower()
