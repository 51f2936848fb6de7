"""The evaluator of inference: every file gets its chance, and what failed is told at the end."""

from __future__ import annotations

import logging
from typing import Any

from monai.engines import SupervisedEvaluator

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.tolerant import FAILURES, Failure, first_cause

__all__ = ["HarmonizeEvaluator"]

logger = logging.getLogger(__name__)


class HarmonizeEvaluator(SupervisedEvaluator):
    """``SupervisedEvaluator`` that goes on after a file that cannot be read, translated or written.

    Use it with ``TolerantDataset`` and ``collate_readable`` at batch size 1.

    Attributes:
        failures: what failed, in the order of the files.
        completed: how many files were processed.
        stopped: why a handler ended the run before all files had their chance, else ``None``.

    Args:
        args: arguments of ``SupervisedEvaluator``.
        done: what the last message says was done to the files.
        kwargs: arguments of ``SupervisedEvaluator``.
    """

    def __init__(self, *args: Any, done: str = "Harmonized", **kwargs: Any) -> None:
        self.done = done
        self.failures: list[Failure] = []
        self.completed = 0
        self.stopped: str | None = None
        super().__init__(*args, **kwargs)

    def run(self, global_epoch: int = 1) -> None:
        """Process every file.

        Raises:
            InputError: when not a single file could be processed; the message tells why, file by file.
        """
        self.failures, self.completed, self.stopped = [], 0, None
        super().run(global_epoch)
        if self.failures:
            told = "\n".join(f"  {failure}" for failure in self.failures)
            summary = f"{len(self.failures)} of {len(self.failures) + self.completed} files failed:\n{told}"
            if self.completed == 0:
                raise InputError(summary)
            logger.warning(summary)
        logger.info("%s %d files.", self.done, self.completed)

    @property
    def exit_code(self) -> int:
        """For the process: 3 if a handler stopped the run, 1 if a file failed, else 0."""
        return 3 if self.stopped else int(bool(self.failures))

    def stop(self, reason: str) -> None:
        """End the run after this file."""
        self.stopped = reason
        logger.error("Stopped: %s", reason)
        self.terminate()

    def _iteration(self, engine: Any, batchdata: dict[str, Any]) -> dict[str, Any]:
        for failure in batchdata.pop(FAILURES, ()):
            self._note(failure)
        if not batchdata:
            return {}
        paths = [str(path) for path in batchdata["image"].meta["filename_or_obj"]]
        try:
            output: dict[str, Any] = super()._iteration(engine, batchdata)
        except Exception as error:  # a file's own trouble; the others go on
            for path in paths:
                self._note(Failure(path, first_cause(error)))
            return {}
        self.completed += len(paths)
        return output

    def _note(self, failure: Failure) -> None:
        self.failures.append(failure)
        logger.error("%s", failure)
