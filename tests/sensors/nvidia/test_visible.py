"""Which GPUs a run uses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwatt.errors import ConfigurationError
from trainwatt.sensors.nvidia.visible import MIG_NOTE, Choice, Gpu, hides_all, parse, requested, visible

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
        ("1,1", []),  # CUDA shows none if an entry is repeated
        ("0,2,0", []),
        ("1;0", [1]),
        ("+1", [1]),
        ("0-3", [0]),
        ("1 # second card", [1]),
        ("2,GPU-a1111111-2222", [2]),
        ("GPU-a1111111-2222,2", [0]),
        ("GPU-a,GPU-a1", []),  # the same GPU twice
        ("GPU-a,GPU-a", []),
        ("GPU-a,GPU-zz,GPU-b", [0]),
        ("gpu-a", []),  # CUDA distinguishes upper and lower case
        (" GPU-a", []),
        ("GPU-b, GPU-a", [1]),
        ("99999999999999999999,0", []),
        ("1" * 5000, []),
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
    assert visible({"CUDA_VISIBLE_DEVICES": "MIG-1234"}, ALIKE, {"MIG-1234": 2}.get) == [Choice(2, MIG_NOTE, ("MIG-1234",))]
    assert requested(["MIG-1234"], ALIKE, {"MIG-1234": 2}.get) == [Choice(2, MIG_NOTE, ("MIG-1234",))]
    two = {"CUDA_VISIBLE_DEVICES": "MIG-1234,MIG-5678"}
    both = Choice(2, MIG_NOTE, ("MIG-1234", "MIG-5678"))
    assert visible(two, ALIKE, {"MIG-1234": 2, "MIG-5678": 2}.get) == [both]
    assert requested(["MIG-1234", "MIG-5678", "MIG-1234"], ALIKE, {"MIG-1234": 2, "MIG-5678": 2}.get) == [both]
    assert requested(["MIG-1234", 2], ALIKE, {"MIG-1234": 2}.get) == [Choice(2)]
    assert visible({"CUDA_VISIBLE_DEVICES": "MIG-1234,MIG-1234"}, ALIKE, {"MIG-1234": 2}.get) == []


# PyTorch's parser is equal to the driver's, and knows nothing of what machine it is on.
VALUES = (
    *(
        "",
        " ",
        ",",
        "0",
        "1",
        "2,0",
        " 1 , 3 ",
        "\t1\n",
        "00,1",
        "01,001",
        "0,2,-1,1",
        "-1",
        "-1,0",
        "-0",
        "+0",
        "+1",
        "+1,-2",
        "1,+1",
        "1,1",
    ),
    *(
        "0,1,0",
        "0,,1",
        ",0",
        "0,",
        "1;0",
        "1:0",
        "1.5",
        "0-3",
        "0x1",
        "1e3",
        "1_0",
        "1 2",
        "1gpu2,2ampere",
        "1 # second card",
        "#1",
        "0,#,1",
    ),
    *(
        "none",
        "NoDevFiles",
        "all",
        "void",
        "a,0",
        "GPU-",
        "GPU-,0",
        "GPU-a",
        "GPU-a,2",
        "2,GPU-a",
        "GPU-a,GPU-b",
        "GPU-a,GPU-a",
        "GPU-a,MIG-b",
    ),
    *(
        "GPU-a, GPU-b",
        " GPU-a",
        "GPU-a ,GPU-b",
        "gpu-a",
        "Gpu-a",
        "GPU-a,,GPU-b",
        "GPU-a;GPU-b",
        "MIG-",
        "MIG-a",
        "MIG-a,MIG-b",
        "MIG-a,MIG-a",
    ),
    *(
        "MIG-GPU-a/1/0",
        "MIG-a,GPU-b",
        "MIG-a,0",
        "mig-a",
        "GPU",
        "GPU1",
        "'0'",
        '"0,1"',
        "0\x00,1",
        "99999999999999999999,0",
        "9,9",
        "9,0,0",
    ),
)


def theirs(value: str) -> list[int] | list[str] | None:
    """What PyTorch takes from a value of the variable; None where it raises, as for a sign without a number."""
    from torch import cuda

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.environ", {"CUDA_VISIBLE_DEVICES": value})  # an environment that takes any text
        try:
            return cuda._parse_visible_devices()
        except ValueError:
            return None


@pytest.mark.slow
def test_every_way_to_write_the_variable_is_read_as_pytorch_reads_it() -> None:
    assert {value: parse(value) for value in VALUES} == {value: theirs(value) for value in VALUES}


@pytest.mark.slow
@given(st.lists(st.sampled_from([*"0123456789,,,;:+-# \t./", "GPU-", "MIG-", "gpu-", "a", "b", "10", "1,0"]), max_size=14).map("".join))
def test_any_value_is_read_as_pytorch_reads_it(value: str) -> None:
    expected = theirs(value)
    assert parse(value) == expected or expected is None


@pytest.mark.parametrize(
    ("value", "entries"), [("+", []), ("0,-,1", [0]), ("0,+ 1", [0]), ("--1", []), ("1,+-1", [1]), ("²", []), ("1²", [1])]
)
def test_a_sign_without_a_number_is_no_entry(value: str, entries: list[int]) -> None:
    """PyTorch raises there; C's strtoul finds no number."""
    assert parse(value) == entries


@given(st.text())
def test_no_value_raises(value: str) -> None:
    visible({"CUDA_VISIBLE_DEVICES": value}, ALIKE, no_mig)


def test_hides_all_is_certain_without_asking_nvml() -> None:
    assert [hides_all({"CUDA_VISIBLE_DEVICES": v}) for v in ("", "-1", "none", "-1,0", "0,0", "GPU-a,GPU-a", "gpu-a")] == [True] * 7
    assert [hides_all({"CUDA_VISIBLE_DEVICES": v}) for v in ("0", "GPU-a", "MIG-a", "+0", "0x1")] == [False] * 5
    assert not hides_all({})


def test_requested_gpus_by_index_and_unique_prefix() -> None:
    assert [c.index for c in requested([2, "gpu-a", 2, "3"], ALIKE, no_mig)] == [2, 0, 3]


@pytest.mark.parametrize("wanted", [9, "GPU-", "GPU-zz", "", "MIG-nowhere", "²"])
def test_a_requested_gpu_that_is_not_there_is_an_error_that_names_what_is(wanted: int | str) -> None:
    with pytest.raises(ConfigurationError) as failure:
        requested([wanted], ALIKE, no_mig)
    assert repr(wanted) in str(failure.value)
    assert "3 (H100, GPU-d1111111-2222)" in str(failure.value)
