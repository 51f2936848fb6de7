"""What the commands print and the exit codes they end with."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.logging import RichHandler

from monai_harmonize.engines.plain_errors import WRONG_USAGE

__all__ = [
    "EXIT_CODES",
    "INTERRUPTED",
    "PROBLEMS",
    "STOPPED",
    "WRONG_USAGE",
    "console",
    "errors",
    "only_warnings",
    "tell_deprecated",
    "tell_error",
]

PROBLEMS, STOPPED, INTERRUPTED = 1, 3, 130
EXIT_CODES = (
    "Exit codes: 0 all done; 1 some files failed, or a check found problems; 2 wrong usage or input, nothing was "
    "done; 3 stopped at a failed certificate (--on-fail stop); 130 interrupted."
)

# Results go to stdout, everything else to stderr. Paths and messages are printed as they are: a file may be called [b].
console = Console(highlight=False, markup=False, soft_wrap=True)
errors = Console(highlight=False, markup=False, soft_wrap=True, stderr=True)

# How ignite's engines announce an exception, before they raise it.
ENDING = ("Engine run is terminating due to exception", "Current run is terminating due to exception")


def tell_error(error: object) -> None:
    """Print an error that its own words explain."""
    errors.print(f"error: {error}")


def tell_deprecated(old: str, new: str) -> None:
    """Warn of an old command's name."""
    errors.print(f"Warning: '{old}' is deprecated and goes with version 0.3; use '{new}'.")


def is_no_exception(record: logging.LogRecord) -> bool:
    """Whether a message tells of something else than an exception that ends the run: who called tells of that."""
    return record.exc_info is None and not record.getMessage().startswith(ENDING)


@contextmanager
def only_warnings() -> Iterator[None]:
    """Show warnings and errors of a run beside its progress bar, and nothing of MONAI's account of itself."""
    workflows = logging.getLogger("monai.bundle.workflows")  # warns that no logging.conf is used
    disabled, level = logging.root.manager.disable, workflows.level
    handler = RichHandler(console=errors, show_time=False, show_path=False, markup=False)
    handler.addFilter(is_no_exception)
    logging.disable(logging.INFO)
    workflows.setLevel(logging.ERROR)
    logging.root.addHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"monai\.|torch\.|ignite\.")
            yield
    finally:
        logging.root.removeHandler(handler)
        workflows.setLevel(level)
        logging.disable(disabled)
