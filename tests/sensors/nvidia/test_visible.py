"""Which GPUs a run uses."""

from __future__ import annotations

import pytest

from trainwatt.errors import ConfigurationError
from trainwatt.sensors.nvidia.visible import MIG_NOTE, Choice, Gpu, hides_all, requested, visible

ALIKE = [Gpu(i, f"GPU-{'abcd'[i]}1111111-2222", "H100", (9, 0)) for i in range(4)]
UNLIKE = [Gpu(0, "GPU-aa", "T4", (7, 5)), Gpu(1, "GPU-ab", "H100", (9, 0)), Gpu(2, "GPU-b", "A100", (8, 0))]


def no_mig(_: str) -> int | None:
    return None


def chosen(value: str | None, order: str | None = None, gpus: list[Gpu] = ALIKE) -> list[int]:
    environ = {k: v for k, v in (("CUDA_VISIBLE_DEVICES", value), ("CUDA_DEVICE_ORDER", order)) if v is not None}
    return [choice.index for choice in visible(environ, gpus, no_mig)]


@pytest.mark.parametrize(
    ("value", "indices"),
    [
        (None, [0, 1, 2, 3]),
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
        ("2,0", [2, 0]),
        (" 1 , 3 ", [1, 3]),
        ("0,2,-1,1", [0, 2]),  # the first invalid entry ends the list
        ("1,9,0", [1]),
        ("1,1", [1]),
        ("GPU-c1111111-2222", [2]),
        ("GPU-d,GPU-a", [3, 0]),
        ("GPU-,0", []),  # ambiguous, so not a GPU
        ("MIG-GPU-b1111111-2222/1/0", [1]),
        ("MIG-unknown,0", []),
    ],
)
def test_visible_devices(value: str | None, indices: list[int]) -> None:
    assert chosen(value) == indices


def test_unlike_gpus_are_numbered_fastest_first_unless_told_otherwise() -> None:
    assert chosen("0,1,2", None, UNLIKE) == [1, 2, 0]
    assert chosen("0", "PCI_BUS_ID", UNLIKE) == [0]
    (choice,) = visible({"CUDA_VISIBLE_DEVICES": "0"}, UNLIKE, no_mig)
    assert choice.note is not None
    assert "CUDA_DEVICE_ORDER=PCI_BUS_ID" in choice.note
    assert visible({"CUDA_VISIBLE_DEVICES": "GPU-b"}, UNLIKE, no_mig) == [Choice(2)]
    assert visible({}, UNLIKE, no_mig) == [Choice(0), Choice(1), Choice(2)]


def test_a_gpu_that_cannot_be_asked_does_not_make_the_others_unlike() -> None:
    gpus = [ALIKE[0], Gpu(1, "", "unknown", (0, 0)), ALIKE[2]]
    assert chosen("2", None, gpus) == [2]


def test_a_mig_instance_is_its_whole_card() -> None:
    assert visible({"CUDA_VISIBLE_DEVICES": "MIG-1234"}, ALIKE, {"MIG-1234": 2}.get) == [Choice(2, MIG_NOTE)]
    assert requested(["MIG-1234"], ALIKE, {"MIG-1234": 2}.get) == [Choice(2, MIG_NOTE)]


def test_hides_all_is_certain_without_asking_nvml() -> None:
    assert [hides_all({"CUDA_VISIBLE_DEVICES": v}) for v in ("", "-1", "none", "0", "GPU-a", "MIG-a", "-1,0")] == [
        True,
        True,
        True,
        False,
        False,
        False,
        True,
    ]
    assert not hides_all({})


def test_requested_gpus_by_index_and_unique_prefix() -> None:
    assert [c.index for c in requested([2, "gpu-a", 2, "3"], ALIKE, no_mig)] == [2, 0, 3]


@pytest.mark.parametrize("wanted", [9, "GPU-", "GPU-zz", "", "MIG-nowhere"])
def test_a_requested_gpu_that_is_not_there_is_an_error_that_names_what_is(wanted: int | str) -> None:
    with pytest.raises(ConfigurationError) as failure:
        requested([wanted], ALIKE, no_mig)
    assert repr(wanted) in str(failure.value)
    assert "3 (H100, GPU-d1111111-2222)" in str(failure.value)
