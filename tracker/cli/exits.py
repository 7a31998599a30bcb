"""How a command ends: its exit code, and what it says when it fails."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from contextlib import suppress

import rich_click as click

from ..errors import MORE_FILES, NO_MORE_FILES, ConfigurationError, RunNotFoundError, TrainwattError
from ..masking.text import scrubbed
from ..presentation.words.safe_text import lines
from .output import say

FAILED, USAGE, NOT_FOUND = 1, 2, 3
UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF, errno.ENXIO, errno.EAGAIN}
"""Why a stream cannot be written."""


def exit_code(call: Callable[[], object]) -> int:
    """Call a command. What it raises is said on stderr. Returns the exit code: that which the command returns, if it is a number."""
    try:
        code = call()
    except click.ClickException as error:
        error.message = lines(scrubbed(error.message))  # type: ignore[misc]  # it may quote an argument
        with suppress(OSError):
            error.show(sys.stderr)
        return USAGE if isinstance(error, click.UsageError) else error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except BrokenPipeError:
        return 0  # the reader closed the pipe (`| head`), which is not a failure
    except ConfigurationError as error:
        return _fail(error, USAGE)
    except RunNotFoundError as error:
        return _fail(error, NOT_FOUND)
    except TrainwattError as error:
        return _fail(error, FAILED)
    except OSError as error:
        if error.errno in NO_MORE_FILES:
            return _fail(TrainwattError(f"{error.filename or 'a file'} cannot be opened. {MORE_FILES}"), FAILED)
        if error.filename is not None or error.errno not in UNWRITABLE:
            raise
        return unwritable(error)
    except SystemExit as end:  # from a command, or from click or rich when a pipe was closed
        code = 0 if isinstance(end.__context__, BrokenPipeError) else end.code
    return code if isinstance(code, int) else 0


def unwritable(error: OSError) -> int:
    """Say that stdout cannot be written. Returns the exit code."""
    say(f"stdout cannot be written: {error.strerror}")
    return 1


def flushed(code: int) -> int:
    """Write what the streams still hold. Returns the exit code: 1 if stdout cannot be written, unless its reader has enough.

    What stays in a stream is dropped: else the interpreter tries again when it ends, and changes the exit code to 120."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except ValueError:  # closed
            continue
        except OSError as error:
            if stream is sys.stdout and not isinstance(error, BrokenPipeError):
                code = code or unwritable(error)
            with suppress(OSError), open(os.devnull, "wb") as nothing:
                os.dup2(nothing.fileno(), stream.fileno())
    return code


def _fail(error: Exception, code: int) -> int:
    say(str(error))
    return code
