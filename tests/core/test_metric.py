"""What is kept of the metrics of a training."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwatt.core.metric import Better, Metric, better, number_of, telling


@given(st.lists(st.floats(-1e9, 1e9) | st.none(), min_size=1, max_size=30).filter(lambda values: values[0] is not None))
def test_of_any_values_the_extremes_and_their_places_are_kept(values: list[float | None]) -> None:
    """As if all values were there: the first of equal ones, and when the value after it was logged."""
    assert values[0] is not None
    found = Metric.first(values[0], 0)
    for t_ns, value in enumerate(values[1:], start=1):
        found = found.extended(value, t_ns)
    finite = [(value, t_ns) for t_ns, value in enumerate(values) if value is not None]
    low, low_at = min(finite)
    high, high_at = min(finite, key=lambda of: (-of[0], of[1]))
    last, last_at = finite[-1]
    end = len(values) - 1
    assert found == Metric(
        len(values),
        last,
        last_at,
        low,
        low_at + 1,
        low_at,
        low_at + 1 if low_at < end else None,
        high,
        high_at + 1,
        high_at,
        high_at + 1 if high_at < end else None,
    )
    assert math.isfinite(found.lowest)


@pytest.mark.parametrize(("given_value", "number"), [(10**400, None), (-(10**400), None), (math.inf, None), (True, 1.0), (10**300, 1e300)])
def test_a_value_that_no_float_holds_counts_as_one_that_is_not_finite(given_value: object, number: float | None) -> None:
    assert number_of("loss", given_value) == number


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (
            "loss val_loss val/loss valLoss eval_loss cls_loss loss/val train_loss perplexity val_ppl RMSE top1_error val-wer eer",
            Better.LOWER,
        ),
        ("accuracy val_acc acc@1 top1_acc f1 val_f1_macro F1-score mAP mAP@50 r2 auc val_auroc bleu rougeL mean_reward", Better.HIGHER),
        ("lr epoch step grad_norm temperature loss_score glossary errand batch_size", None),
    ],
)
def test_the_name_of_a_metric_tells_which_values_are_better(names: str, kind: Better | None) -> None:
    assert {name: better(name) for name in names.split()} == dict.fromkeys(names.split(), kind)


def test_metrics_of_data_that_the_model_has_not_seen_tell_how_good_it_is() -> None:
    assert telling(["loss", "val_loss", "train_acc", "val/acc"]) == ["val_loss", "val/acc"]
    assert telling(["loss", "train_loss", "trainAccuracy"]) == ["loss"]
    assert telling(["train_loss"]) == []
