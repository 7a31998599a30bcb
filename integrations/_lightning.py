"""What `lightning.py` knows about Lightning."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from importlib import import_module
from typing import Any

FINDERS = {"BatchSizeFinder": "scale_batch_size", "LearningRateFinder": "lr_find"}
"""The callbacks of Lightning that search for settings, and the method that searches."""
OVER = "_TunerExitException"
"""By this exception Lightning's Tuner leaves a call of the Trainer after its search."""
LOADERS = ("train_dataloader", "val_dataloaders", "test_dataloaders", "predict_dataloaders")


_PACKAGES = ("lightning.pytorch", "pytorch_lightning")


def callback_class() -> type:
    """The `Callback` of the packages that are imported already, else of the first package that is installed. An import takes seconds,
    and a Trainer accepts the class of its own package only."""
    found = [import_module(name).Callback for name in _PACKAGES if sys.modules.get(name) is not None]
    if not found:
        for name in _PACKAGES:
            try:
                found = [import_module(name).Callback]
                break
            except ModuleNotFoundError as error:
                if error.name is None or not f"{name}.".startswith(f"{error.name}."):
                    raise  # it is installed, but one of its own requirements is missing
    if not found:
        raise ImportError(
            "trainwatt.integrations.lightning needs PyTorch Lightning, and neither `lightning` nor `pytorch_lightning` is installed:"
            " pip install 'trainwatt[lightning]'"
        )
    return found[0] if len(found) == 1 else type("Callback", tuple(found), {})


class Searches:
    """The searches in one call of a Trainer. During a search the Trainer has none of the user's callbacks, so it calls none of their hooks.
    `begun` is called before each, and `ended` after it, with the exception that it raised."""

    def __init__(self, callbacks: Iterable[Any], begun: Callable[[], None], ended: Callable[[BaseException | None], None]) -> None:
        self._begun = begun
        self._ended = ended
        self._watched: list[tuple[Any, str]] = []
        for callback in callbacks:
            for name, method in FINDERS.items():
                if any(kind.__name__ == name for kind in type(callback).__mro__) and method not in vars(callback):
                    setattr(callback, method, self._measured(getattr(callback, method)))
                    self._watched.append((callback, method))

    def forget(self) -> None:
        """Leave the callbacks as they were."""
        for callback, method in self._watched:
            vars(callback).pop(method, None)
        self._watched = []

    def _measured(self, search: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(search)
        def measured(*args: Any, **kwargs: Any) -> Any:
            self._begun()
            try:
                result = search(*args, **kwargs)
            except BaseException as error:  # raised again; the search ends in any case
                self._ended(error)
                raise
            self._ended(None)
            return result

        return measured


class Batches:
    """The batches that a Trainer has taken from its loader, as an iterator for `wrap`."""

    def __init__(self, trainer: object) -> None:
        self.batch: Any = None
        loaders = (getattr(trainer, name, None) for name in LOADERS)
        self.collate_fn = next((found for loader in loaders if (found := getattr(loader, "collate_fn", None))), None)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        batch, self.batch = self.batch, None  # it is not kept, because it may be in the memory of a GPU
        return batch


def callbacks_of(trainer: object) -> list[Any]:
    """The callbacks that the Trainer has now."""
    return list(getattr(trainer, "callbacks", ()))


def fits(trainer: Any) -> bool:
    """Whether the Trainer was called with `fit`, not with `validate`."""
    return str(getattr(trainer.state.fn, "value", trainer.state.fn)) == "fit"
