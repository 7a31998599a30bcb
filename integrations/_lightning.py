"""What `lightning.py` knows about Lightning."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any

from trainwatt.integrations._common import Around, log

FINDERS = {"BatchSizeFinder": "scale_batch_size", "LearningRateFinder": "lr_find"}
"""The callbacks of Lightning that search for settings, and the method that searches."""
OVER = "_TunerExitException"
"""By this exception Lightning's Tuner leaves a call of the Trainer after its search."""
LOADERS = ("train_dataloader", "val_dataloaders", "test_dataloaders", "predict_dataloaders")
_failed: set[str] = set()
"""The kinds of loggers that have failed."""
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


def searches(callbacks: Iterable[Any], begun: Callable[[], None], ended: Callable[[BaseException | None], None]) -> list[Around]:
    """Watch the searches in one call of a Trainer. During a search the Trainer has none of the user's callbacks, so it calls none of their
    hooks."""
    return [
        Around(callback, method, begun, ended)
        for callback in callbacks
        for name, method in FINDERS.items()
        if any(kind.__name__ == name for kind in type(callback).__mro__) and method not in vars(callback)
    ]


def loads_checkpoint(trainer: Any) -> bool:
    """Whether the call of the Trainer that is under way will load a checkpoint. In `setup`, only the caller knows that."""
    if getattr(trainer, "ckpt_path", None) is not None:
        return True
    frame = sys._getframe()
    while (caller := frame.f_back) is not None:
        frame = caller
        if frame.f_code.co_name == "_run" and frame.f_locals.get("self") is trainer:
            return frame.f_locals.get("ckpt_path") is not None
    return False


def to_loggers(trainer: Any, values: Mapping[str, float]) -> None:
    """Give the values to each logger of the Trainer. A logger that fails does not keep them from the others."""
    for logger in getattr(trainer, "loggers", ()) if values else ():
        try:
            logger.log_metrics(dict(values), step=trainer.global_step)
        except Exception as error:  # the loggers are the user's
            kind = type(logger).__qualname__
            if kind not in _failed:
                _failed.add(kind)
                log.warning("trainwatt: %s did not take the energy: %s: %s", kind, type(error).__name__, error)


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
