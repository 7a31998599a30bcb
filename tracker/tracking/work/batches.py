"""PURE: how many samples a batch holds, if that is certain.

A list of tensors may have the parts of a batch (inputs and targets, as PyTorch's default collation makes it), or its samples (images of
different sizes, as detection models take them). Each part of a batch shows some sizes that the batch may have. The size is certain if all
parts together leave one.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence, Sized
from numbers import Number
from typing import Any

from ...core.plain import is_path
from ...unwarned import unwarned

CHANNELS = (1, 3, 4)
"""The first dimension of one image: grey, RGB or RGBA."""
FEW = 3
"""Up to so many tensors of one kind in a list are parts: inputs, targets and weights, or a triplet."""
NOTHING: frozenset[int] = frozenset()


def batch_sizes(batch: object, *, parts: bool = False) -> frozenset[int]:
    """The sizes that a batch may have; empty if nothing shows its size. `parts`: it is known that no list in it is a list of samples."""
    if _is_single(batch):
        return frozenset({1})
    if isinstance(batch, (Mapping, Sequence)) and not batch:
        return frozenset({0})
    found = _shown(batch, parts)
    if isinstance(batch, Sequence) and len(batch) == 1 and isinstance(batch[0], Mapping) and len(found) == 2:
        return found - {1}  # DALI gives a list with one mapping for each GPU
    if found:
        return found
    if isinstance(batch, Mapping) and all(_is_single(value) for value in batch.values()):
        return frozenset({1})  # a sample that was not put into a batch
    if isinstance(batch, Mapping) or (isinstance(batch, tuple) and not _alike(batch)):  # its parts differ: the inputs come first
        columns = batch.values() if isinstance(batch, Mapping) else batch
        return next((frozenset(shape[:1]) for column in columns if (shape := _shape(column))), NOTHING)
    return NOTHING


def _shown(item: object, parts: bool) -> frozenset[int]:
    """The sizes that a part of a batch shows, or the whole."""
    if isinstance(item, (str, bytes)):
        return NOTHING
    own = _own_count(item)
    if own is not None:
        return frozenset({own})
    shape = _shape(item)
    if shape is not None:
        return frozenset(shape[:1])
    if isinstance(item, Mapping):
        return _common(item.values(), parts)
    if isinstance(item, Sequence):
        return _of_sequence(item, parts) if item else NOTHING
    fields = _fields(item)
    if fields is not None:
        return _common(fields, parts)
    return frozenset({len(item)}) if isinstance(item, Sized) else NOTHING


def _common(columns: Iterable[object], parts: bool) -> frozenset[int]:
    """The sizes that are left by all columns that show some."""
    shown = [found for column in columns if (found := _shown(column, parts))]
    return frozenset.intersection(*shown) if shown else NOTHING


def _of_sequence(items: Sequence[object], parts: bool) -> frozenset[int]:
    """A list or a tuple: of samples, or of parts."""
    as_samples = frozenset({len(items)}) if _alike(items) else NOTHING
    if all(_is_single(item) for item in items):
        return as_samples
    as_parts = _common(items, parts)
    if parts or not as_samples:
        return as_parts
    shapes = [shape for item in items if (shape := _shape(item))]
    if len(shapes) == len(items):
        return _of_tensors(items, shapes)
    many_images = len(items) > FEW and as_parts <= {*CHANNELS}
    if any(_is_sample(item) for item in items) or not as_parts or many_images:
        return as_samples
    pair = len(items) <= FEW and not isinstance(items[0], Mapping) and not as_parts & {*CHANNELS}
    return as_parts if pair else as_parts | as_samples


def _of_tensors(items: Sequence[object], shapes: Sequence[tuple[Any, ...]]) -> frozenset[int]:
    """Tensors of one data type and number of dimensions."""
    n, first = len(items), {shape[0] for shape in shapes}
    if len(first) > 1:  # a tuple may have parts of different lengths, such as labels, tokens and offsets
        return NOTHING if isinstance(items, tuple) else frozenset({n})
    if len(shapes[0]) == 3 and first <= {*CHANNELS}:
        return frozenset({n}) if n > FEW else frozenset({n, *first})
    images = len(shapes[0]) == 3 and shapes[0][-1] in CHANNELS  # the channels may come last
    same = isinstance(items, tuple) or len(set(shapes)) == 1
    return frozenset(first) if n <= FEW or (same and not images) else frozenset({n, *first})


def _alike(items: Sequence[object]) -> bool:
    """Whether the items may be samples: of one kind, with the same keys or parts."""
    return len({_kind(item) for item in items}) == 1


def _kind(item: object) -> object:
    """What samples of one batch have in common."""
    shape = _shape(item)
    if shape is not None:
        return len(shape), str(getattr(item, "dtype", ""))
    if isinstance(item, Mapping):
        return frozenset(map(str, item))
    if isinstance(item, Sequence) and not isinstance(item, (str, bytes)):
        inner = [_kind(one) for one in item]
        return (list, inner[0]) if len(set(inner)) == 1 else (tuple, *inner)
    return Number if isinstance(item, Number) else type(item)


def _is_single(item: object) -> bool:
    """Whether an item is one value: text, a number, nothing, or a tensor without a dimension."""
    return item is None or isinstance(item, (str, bytes, Number)) or is_path(item) or _shape(item) == ()


def _is_sample(item: object) -> bool:
    """Whether an item of a list is one sample rather than a part of the batch: it has a bare value, such as a label or a file name."""
    if isinstance(item, Mapping):
        return any(_is_single(value) for value in item.values())
    if not isinstance(item, Sequence):
        return False
    texts = all(isinstance(one, (str, bytes)) for one in item)  # the texts of a batch are a list too
    return not texts and any(_is_single(one) for one in item)


def _own_count(item: object) -> int | None:
    """The count that the batch itself knows: of graphs (PyG, DGL), or of packed sequences (PyTorch)."""
    for name in ("num_graphs", "batch_size", "batch_sizes"):
        try:
            count = unwarned(getattr, item, name, None)
            if count is not None:
                return operator.index(count[0] if name == "batch_sizes" else count)
        except Exception:  # the type is the user's: it means something else by this name
            continue
    return None


def _shape(item: object) -> tuple[Any, ...] | None:
    """The shape of a tensor, an array or a table. None for anything else."""
    for find in (_known_shape, _first_dimension):
        try:
            return unwarned(find, item)
        except Exception:  # the type is the user's: no shape, or none that is known
            continue
    return None


def _known_shape(item: Any) -> tuple[Any, ...]:
    shape = tuple(item.shape)
    return (operator.index(shape[0]), *shape[1:]) if shape else ()


def _first_dimension(item: Any) -> tuple[int]:
    """Of a nested tensor of PyTorch, which has no shape."""
    return (operator.index(item.size(0)),)


def _fields(item: object) -> list[object] | None:
    """The values of an object that has tensors, or lists of them. None if it has none."""
    keys = getattr(item, "keys", None)
    if callable(keys):  # like a mapping, without being one
        return [item[key] for key in keys()]  # type: ignore[index]
    names = getattr(item, "__dataclass_fields__", getattr(item, "__dict__", ()))
    values = [getattr(item, name, None) for name in names]
    firsts = [value[0] if isinstance(value, (list, tuple)) and value else value for value in values]
    return values if any(_shape(first) for first in firsts) else None
