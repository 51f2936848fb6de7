"""What becomes of an image whose certificate fails: it is written, left out or replaced, or the run ends."""

from __future__ import annotations

import shutil
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any, Protocol

from ignite.engine import Engine, Events
from monai.transforms import Transform
from monai.utils import MetaKeys, TransformBackends

from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.data.dicom_series_writer import copy_series, remove_series
from monai_harmonize.data.errors import InputError
from monai_harmonize.data.output_paths import OutputPaths
from monai_harmonize.data.writer_contract import refuse_source, source_path
from monai_harmonize.engines.harmonize_evaluator import HarmonizeEvaluator
from monai_harmonize.safety.certify_transform import CERTIFICATE

__all__ = ["ON_FAIL", "SaveCertified", "StopOnFail"]

ON_FAIL = ("write", "skip", "copy", "stop")


class PathSaver(Protocol):
    """The array transform behind a saver: it knows where a source's result goes."""

    paths: OutputPaths


class Saver(Protocol):
    """A dictionary transform that saves, such as ``SaveLikeSourced``."""

    keys: tuple[Hashable, ...]
    saver: PathSaver

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Save an item."""


class SaveCertified(Transform):
    """Save an item unless its certificate fails. It stands between ``CertifyHarmonizedd`` and ``CertificateWriter``.

    For a failed image ``meta["saved_to"]`` is the path that the result would have had, by which
    ``CertificateWriter`` names the certificate; an older result of an earlier run is removed from there.

    Args:
        saver: saves what does not fail, ``SaveLikeSourced`` or ``SavePresentationStated`` of one key.
        on_fail: ``"write"`` saves failed images like all others, ``"skip"`` leaves them out, ``"copy"`` puts the
            source's bytes in their place (a presentation state is left out: its source stays as it is), ``"stop"``
            leaves them out and ``StopOnFail`` ends the run.

    Raises:
        InputError: ``on_fail`` is none of the four. At the call: a failed item's place is that of its source.
    """

    backend = (TransformBackends.TORCH,)

    def __init__(self, saver: Saver, on_fail: str = "write") -> None:
        if on_fail not in ON_FAIL:
            raise InputError(f"on_fail is {on_fail!r}; expected one of {', '.join(ON_FAIL)}")
        self.saver = saver
        self.on_fail = on_fail

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Save or do what is asked for a failed image."""
        if self.on_fail == "write" or not has_failed(data):
            return self.saver(data)
        item = dict(data)
        (key,) = self.saver.keys
        paths = self.saver.saver.paths
        source = source_path(item[key].meta)
        destination = paths.path_for(source)
        refuse_source(source, destination)
        copy = self.on_fail == "copy" and paths.extension is None
        if source.is_dir() and paths.extension is None:
            (copy_series if copy else remove_series)(source, destination)
        elif copy:
            with atomic_path(destination) as temporary:
                shutil.copyfile(source, temporary)
        else:
            destination.unlink(missing_ok=True)
        item[key].meta[MetaKeys.SAVED_TO.value] = str(destination)
        return item


class StopOnFail:
    """Handler that ends the run after the first image whose certificate fails; the certificate is written before."""

    def attach(self, engine: Engine) -> None:
        """Follow a ``HarmonizeEvaluator``."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.stop)

    def stop(self, evaluator: HarmonizeEvaluator) -> None:
        """Look at the newest item."""
        for item in evaluator.state.output if isinstance(evaluator.state.output, list) else ():
            if has_failed(item):
                path = item["image"].meta["filename_or_obj"]
                reasons = "; ".join(item[CERTIFICATE].reasons)
                evaluator.stop(f"{Path(path)}: its certificate fails ({reasons})")


def has_failed(item: Mapping[Hashable, Any]) -> bool:
    """Whether an item's certificate says so."""
    if CERTIFICATE not in item:
        raise InputError("no certificate to decide by: put CertifyHarmonizedd before the saving")
    verdict: str = item[CERTIFICATE].verdict
    return verdict == "fail"
