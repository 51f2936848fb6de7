"""A data set in which one bad file does not stop the batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monai.data import Dataset, list_data_collate

from monai_harmonize.data.errors import InputError

__all__ = ["FAILURES", "Failure", "TolerantDataset", "collate_readable", "first_cause"]

FAILURES = "failures"


@dataclass(frozen=True)
class Failure:
    """A file that could not be processed.

    Args:
        path: the file.
        reason: one sentence, without the path.
    """

    path: str
    reason: str

    def __str__(self) -> str:
        return self.reason if self.reason.startswith(self.path) else f"{self.path}: {self.reason}"


class TolerantDataset(Dataset):
    """Data set whose item is a ``Failure`` where a transform raised.

    Args:
        data: items, dicts with the path under ``key``.
        transform: transform of an item.
        key: item key of the path.
    """

    def __init__(
        self,
        data: Sequence[Mapping[str, Any]],
        transform: Callable[..., Any] | None = None,
        key: str = "image",
    ) -> None:
        super().__init__(data, transform)
        self.key = key

    def _transform(self, index: int) -> Any:
        try:
            return super()._transform(index)
        except Exception as error:  # whatever a file provokes belongs to that file
            return Failure(str(self.data[index][self.key]), first_cause(error))


def collate_readable(items: Sequence[Any]) -> dict[str, Any]:
    """Collate the items that could be read; the failures travel beside them under ``FAILURES``."""
    readable = [item for item in items if not isinstance(item, Failure)]
    batch: dict[str, Any] = dict(list_data_collate(readable)) if readable else {}
    failures = [item for item in items if isinstance(item, Failure)]
    return {**batch, FAILURES: failures} if failures else batch


def first_cause(error: BaseException) -> str:
    """Message of the first ``InputError`` in a chain of exceptions, else of its root, on one line.

    What lies below an ``InputError`` is a library's view of it and may show a header's value.
    """
    while error.__cause__ is not None and not isinstance(error, InputError):
        error = error.__cause__
    text = " ".join(str(error).split())
    return text or type(error).__name__
