"""It belongs here if it is a command, or is shared by commands only: `track/` measures; `look/`, `grams/` and `life/` show."""

from __future__ import annotations

import warnings

if any(action == "error" for action, *_ in warnings.filters):
    warnings.simplefilter("ignore")  # `PYTHONWARNINGS=error` is meant for the training: a warning about a library must end no command
