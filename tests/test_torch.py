"""`trainwatt.torch.count_flops`: real PyTorch, against operations that are counted by hand."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import torch
from torch import nn

import trainwatt
from tests.fakes.views import tracker_log
from tests.fakes.world import World
from trainwatt import ConfigurationError, EnergyTracker
from trainwatt.torch import count_flops

B, M, N = 7, 11, 13
FORWARD = 2 * B * M * N
"""Of a linear layer: for each of B × N outputs, M multiplications and M additions."""


def test_a_linear_layer_forward() -> None:
    assert count_flops(nn.Linear(M, N), torch.ones(B, M)) == FORWARD
    assert trainwatt.torch.count_flops is count_flops


def test_backward_is_twice_forward() -> None:
    """The gradient of the weights, and that of the inputs, are a multiplication of matrices each."""

    def step(inputs: torch.Tensor, scale: float = 1.0) -> None:
        (scale * layer(inputs)).sum().backward()

    layer = nn.Linear(M, N)
    assert count_flops(step, torch.ones(B, M, requires_grad=True), scale=2.0) == 3 * FORWARD
    assert count_flops(step, torch.ones(B, M)) == 2 * FORWARD  # nobody needs the gradient of the data


def test_a_convolution_and_attention() -> None:
    """Each output of a convolution has a multiplication and an addition for each weight of its filter. Attention is two products of
    matrices, and its backward pass five: one of them again, and two for each gradient of the two."""
    assert count_flops(nn.Conv2d(3, 8, 5, bias=False), torch.ones(2, 3, 12, 12)) == 2 * (2 * 8 * 8 * 8) * (3 * 5 * 5)
    q = torch.ones(2, 4, 16, 8)
    product = 2 * 2 * 4 * 16 * 16 * 8
    assert count_flops(nn.functional.scaled_dot_product_attention, q, q, q) == 2 * product
    q.requires_grad_()
    assert count_flops(lambda: nn.functional.scaled_dot_product_attention(q, q, q).sum().backward()) == 7 * product


def test_a_whole_step_trains_once() -> None:
    layer = nn.Linear(M, N, bias=False)
    optimizer = torch.optim.SGD(layer.parameters(), lr=1.0)
    before = layer.weight.detach().clone()

    def step() -> None:
        optimizer.zero_grad()
        layer(torch.ones(B, M)).sum().backward()
        optimizer.step()

    assert count_flops(step) == 2 * FORWARD
    assert torch.allclose(layer.weight, before - B)


def test_what_has_no_formula_is_none_and_said(caplog: pytest.LogCaptureFixture) -> None:
    assert count_flops(lambda: torch.ones(100).relu().softmax(0)) == 0
    [line] = tracker_log(caplog)
    assert "has a formula for no operation of this step" in line


def test_products_of_vectors() -> None:
    assert count_flops(torch.mv, torch.ones(M, N), torch.ones(N)) == 2 * M * N
    assert count_flops(torch.addmv, torch.ones(M), torch.ones(M, N), torch.ones(N)) == 2 * M * N
    assert count_flops(torch.dot, torch.ones(N), torch.ones(N)) == 2 * N


def test_a_heavy_operation_without_a_formula_is_named_beside_what_was_counted(caplog: pytest.LogCaptureFixture) -> None:
    layer = nn.Linear(M, N)
    encoder = nn.TransformerEncoderLayer(8, 2, batch_first=True).eval()

    def step() -> None:
        layer(torch.ones(B, M))
        with torch.no_grad():
            encoder(torch.ones(2, 4, 8))

    assert count_flops(step) == FORWARD
    [line] = tracker_log(caplog)
    assert "no formula for aten._transformer_encoder_layer_fwd, which count as 0: add them by hand" in line


def test_a_whole_encoder_has_formulas_in_training(caplog: pytest.LogCaptureFixture) -> None:
    """Four projections and two products of attention, and two layers behind it; all of them twice again backward."""
    b, n, d, hidden, heads = 2, 4, 8, 16, 2
    encoder = nn.TransformerEncoderLayer(d, heads, hidden, dropout=0.0, batch_first=True)
    projections = 2 * b * n * d * (3 * d + d + 2 * hidden)
    product = 2 * b * n * n * d
    assert count_flops(encoder, torch.ones(b, n, d)) == projections + 2 * product
    assert count_flops(lambda: encoder(torch.ones(b, n, d, requires_grad=True)).sum().backward()) == 3 * projections + 7 * product
    assert tracker_log(caplog) == []


def test_what_a_step_raises_is_the_users() -> None:
    def step() -> None:
        raise KeyError("batch")

    with pytest.raises(KeyError, match="batch"):
        count_flops(step)
    assert count_flops(nn.Linear(M, N), torch.ones(B, M)) == FORWARD  # the next one is counted as ever


def test_without_pytorch_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.flop_counter", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'trainwatt\[torch\]'"):
        count_flops(print)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        *((torch.bfloat16, "bf16"), (torch.float16, "fp16"), ("16-mixed", "fp16"), ("FP32", "fp32"), ("tf32", "tf32")),
        *(("bf16-mixed", "bf16"), ("32-true", "fp32"), (torch.float8_e4m3fn, "fp8"), (torch.float64, "fp64")),
    ],
    ids=str,
)
def test_the_precision_as_pytorch_and_lightning_write_it(here: World, given: Any, kept: str) -> None:
    with EnergyTracker(flops_precision=given) as tracker:
        tracker.update(flops=count_flops(nn.Linear(M, N), torch.ones(B, M)))
    compute = tracker.summary().to_dict()["compute"]
    assert (compute["flops"], compute["precision"], compute["precision_given"]) == (FORWARD, kept, True)


def test_the_precision_of_a_tracker_within_trainwatt_run_is_that_of_the_run(world: World) -> None:
    code = "from trainwatt import EnergyTracker\nwith EnergyTracker(flops_precision='fp16') as t: t.update(flops=10**12)"
    ended = world.cli("run", "--", sys.executable, "-c", code)
    assert ended.returncode == 0, ended.stderr
    compute = world.show()["compute"]
    assert (compute["flops"], compute["precision"], compute["precision_given"]) == (10**12, "fp16", True)


def test_a_precision_that_is_none_is_refused_before_the_training(here: World) -> None:
    with pytest.raises(ConfigurationError, match="flops_precision='int4' in the arguments is not the precision of numbers: give fp64 or"):
        EnergyTracker(flops_precision="int4")
