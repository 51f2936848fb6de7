"""One harmonization: what is left to do is done by the bundle's inference, then counted."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import typer
from monai.bundle import ConfigWorkflow

from monai_harmonize.cli.messages import INTERRUPTED, errors
from monai_harmonize.cli.resume import Resume, settings_of
from monai_harmonize.cli.summary import Summary
from monai_harmonize.cli.variant import variant_of
from monai_harmonize.data import InputError
from monai_harmonize.data.inputs import Inputs
from monai_harmonize.data.output_paths import OutputPaths
from monai_harmonize.data.writer_contract import Maker
from monai_harmonize.engines.bundle import Bundle, find_bundle, read_config
from monai_harmonize.engines.components import components
from monai_harmonize.engines.harmonize_evaluator import HarmonizeEvaluator
from monai_harmonize.engines.plain_errors import input_error_in
from monai_harmonize.networks import digest_of_weights
from monai_harmonize.transforms.save_presentation_state import EXTENSION as STATE_EXTENSION

__all__ = ["STATES", "Job"]

# The overlay that writes presentation states instead of images.
STATES = "presentation_state"
# What says in a configuration who makes the results.
SAVERS = ("SaveLikeSourced", "SavePresentationStated")
# Options that decide what is written, not how it looks.
NO_LOOK = ("on_fail", "panels")


@dataclass(frozen=True)
class Job:
    """How images are to be harmonized.

    Args:
        bundle: the method.
        overlays: its further configurations.
        weights: file of the weights.
        options: values of top-level entries of the configuration that decide about results.
        workers: processes that read images ahead, at most one per processor.
        quiet: no progress bar, and what fails is told in the summary only.
        part: where several jobs share a folder of results, what tells this one's settings from theirs.
    """

    bundle: Bundle
    overlays: Sequence[str]
    weights: Path
    options: Mapping[str, Any]
    workers: int = 0
    quiet: bool = False
    part: str | None = None

    @classmethod
    def of(
        cls,
        bundle: str,
        checkpoint: Path | None,
        overlays: Sequence[str] | None,
        options: Mapping[str, Any],
        *,
        states: bool = False,
        workers: int = 0,
        quiet: bool = False,
        part: str | None = None,
    ) -> Job:
        """The job that a user asks for.

        Args:
            bundle: folder or name of the method.
            checkpoint: weights, or a folder with ``model.pt``; the bundle's own by default.
            overlays: the user's further configurations.
            options: see ``Job``.
            states: write presentation states instead of images.
            workers: see ``Job``.
            quiet: see ``Job``.
            part: see ``Job``.

        Raises:
            InputError: there is no such bundle, it works on several images of a patient at once, or the weights were
                fitted with another one.
        """
        found = find_bundle(bundle)
        found.check_harmonizes_single_images()
        weights = found.chosen_weights(checkpoint)
        # The user's own come last, since they may change what the others set.
        named = [*([STATES] if states else []), *found.fitted_overlays(weights), *(overlays or ())]
        return cls(found, list(dict.fromkeys(named)), weights, options, workers, quiet, part)

    @property
    def takes_series(self) -> bool:
        """Whether the inference has ``"series": true``: it works on whole DICOM series, not on their slices."""
        # The job tells of a bundle without presentation states, which are of single images.
        names = ["inference", *(name for name in self.overlays if name != STATES)]
        contents = [read_config(self.bundle.config(name)) for name in names]
        return bool([content["series"] for content in contents if "series" in content][-1:] == [True])

    def run(self, inputs: Inputs, output: Path, again: bool = False) -> Summary:
        """Harmonize what an earlier run has not finished.

        Args:
            inputs: all images, those of earlier runs too.
            output: folder of the results.
            again: do finished ones anew.

        Raises:
            InputError: the bundle cannot do this, has no weights, or a result would replace an input.
            typer.Exit: the user interrupted.
        """
        started = monotonic()
        extension = STATE_EXTENSION if STATES in self.overlays else None
        paths = OutputPaths(output, inputs.root, extension=extension)
        places = {Path(item["image"]): paths.path_for(Path(item["image"])) for item in inputs.items}
        refuse_inputs(places)
        workflow = self.workflow(inputs, output)
        settings = settings_of(self.bundle, self.overlays, digest_of_weights(self.weights), self.options)
        earlier = Resume(output, settings, workflow.parser.get("on_fail", "write"), self.part)
        rest = [path for path, place in places.items() if again or not earlier.is_done(path, place)]
        if rest and self.options.get("project") == "site":  # one curve for all: what is new changes it
            rest = list(places)
        failures: list[str] = []
        stopped = None
        if rest:
            workflow.parser["inputs"] = Inputs([{"image": str(path)} for path in rest], inputs.root)
            workflow.initialize()
            evaluator = workflow.parser.get_parsed_content("evaluator")
            earlier.begin(places[path] for path in rest)
            with silent(self.quiet):
                evaluate(workflow, evaluator, self.quiet)
            failures, stopped = [str(failure) for failure in evaluator.failures], evaluator.stopped
        return Summary(
            images=len(places),
            verdicts=Counter(earlier.verdicts(places.values())),
            earlier=len(places) - len(rest),
            failures=failures,
            seconds=monotonic() - started,
            stopped=stopped,
        )

    def workflow(self, inputs: Inputs, output: Path) -> ConfigWorkflow:
        """The bundle's inference, not initialized yet."""
        name = self.bundle.root.name
        if "guarantee_class" not in self.bundle.metadata:
            raise InputError(f"--bundle {name}: is no harmonizer; run its inference.json with monai.bundle.")
        if not self.weights.is_file():
            raise InputError(
                f"{self.weights}: there are no trained weights. Make them (monai-harmonize fit, or the bundle's "
                "train.json), or name others with --checkpoint."
            )
        if STATES in self.overlays and not (self.bundle.root / "configs" / f"{STATES}.json").is_file():
            raise InputError(
                f"--presentation-state: the bundle {name} cannot; only an increasing curve (class G0) is a VOI LUT."
            )
        given = {
            "checkpoint": str(self.weights),
            "output_dir": str(output),
            "num_workers": min(self.workers, os.cpu_count() or 1),
        }
        trained = self.bundle.inference_settings(self.weights, self.overlays)
        options = {**trained, **given, **self.options, "inputs": inputs}
        workflow = self.bundle.workflow("inference", self.overlays, options)
        for place in components(workflow.parser.config, *SAVERS):
            workflow.parser[f"{place}#variant"] = self.variant
        for place in components(workflow.parser.config, "ProgressBar") if self.quiet else ():
            workflow.parser[f"{place}#_disabled_"] = True
        return workflow

    @property
    def variant(self) -> str:
        """What makes the results differ from the bundle's own; see ``variant_of``."""
        looks = {name: value for name, value in self.options.items() if name not in NO_LOOK}
        return variant_of(self.bundle, self.overlays, looks, {STATES, *self.bundle.fitted_overlays(self.weights)})

    def maker(self) -> Maker:
        """Who the results will say has made them; their UIDs follow from it.

        Raises:
            InputError: as for ``run``; or the bundle does not save with ``SaveLikeSourced`` or
                ``SavePresentationStated``.
        """
        parser = self.workflow(Inputs([], None), Path()).parser
        places = list(components(parser.config, *SAVERS))
        if not places:
            raise InputError(f"--bundle {self.bundle.root.name}: writes with {' or '.join(SAVERS)} in no place.")
        bundle, digest = (parser.get_parsed_content(f"{places[-1]}#{name}") for name in ("bundle", "weights_digest"))
        return Maker(bundle, digest, variant=self.variant)


def refuse_inputs(places: Mapping[Path, Path]) -> None:
    """Raise ``InputError`` before anything is written where a result would replace an input."""
    sources = {identity(path) for path in places if path.exists()}
    for place in places.values():
        if place.exists() and identity(place) in sources:
            raise InputError(f"{place}: is an input and is not overwritten; choose another folder with --output.")


def identity(path: Path) -> tuple[int, int]:
    """What two names of one file share."""
    stat = path.stat()
    return stat.st_dev, stat.st_ino


@contextmanager
def silent(quiet: bool) -> Iterator[None]:
    """Where asked for, let the evaluator not log what fails."""
    logger = logging.getLogger(HarmonizeEvaluator.__module__)
    level = logger.level
    logger.setLevel(logging.CRITICAL if quiet else level)
    try:
        yield
    finally:
        logger.setLevel(level)


def evaluate(workflow: ConfigWorkflow, evaluator: Any, quiet: bool) -> None:
    """Run inference; its evaluator tells what failed, even if that is every file."""
    try:
        workflow.run()
    except KeyboardInterrupt:
        errors.print("Interrupted; the same command continues.")
        raise typer.Exit(INTERRUPTED) from None
    except Exception as error:
        cause = input_error_in(error)
        if cause is None or not evaluator.failures:
            raise
        if not quiet:
            errors.print(str(cause))
