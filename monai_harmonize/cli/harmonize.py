"""``harmonize``: images with the look of a bundle's target site."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from monai_harmonize.cli.bundle import DEFAULT_BUNDLE, BundleName, Checkpoint, Overlays
from monai_harmonize.cli.images import Pattern, images_among
from monai_harmonize.cli.job import Job
from monai_harmonize.cli.messages import PROBLEMS, STOPPED, only_warnings
from monai_harmonize.cli.origin import AUTO, FromUnknown, Models, harmonize_by_origin
from monai_harmonize.cli.sites import Grouping, Level, Together
from monai_harmonize.cli.summary import print_summary
from monai_harmonize.data import InputError
from monai_harmonize.engines.bundle import find_bundle
from monai_harmonize.label_app.served_bundles import modality_of
from monai_harmonize.metrics.site_gallery import LEVEL

__all__ = ["harmonize"]


class Projection(str, Enum):
    """What a free harmonizer's output is projected onto: one curve for all images, or a guarantee class per image."""

    site = "site"
    g0 = "g0"
    g1 = "g1"


class OnFail(str, Enum):
    """What becomes of an image whose certificate fails."""

    write = "write"
    skip = "skip"
    copy = "copy"
    stop = "stop"


class Panels(str, Enum):
    """Which certificates get a picture."""

    none = "none"
    not_passed = "not_passed"
    all = "all"


class Inverted(str, Enum):
    """What to do with an image that looks inverted."""

    report = "report"
    turn = "turn"


ChosenPanels = Annotated[Panels | None, typer.Option(help="Certificates that get a picture.")]
WhenInverted = Annotated[Inverted | None, typer.Option(help="Image that looks inverted: report or turn it.")]
Method = Annotated[
    str | None, typer.Option(help="Of a bundle that has several, as histogram_cxr: mean_cdf, nyul, z_score, ...")
]


def harmonize(
    inputs: Annotated[list[Path], typer.Argument(help="Files or folders: DICOM, PNG, JPEG, NIfTI.")],
    output: Annotated[Path, typer.Option(help="Folder of the harmonized files.")],
    bundle: BundleName = DEFAULT_BUNDLE,
    overlay: Overlays = None,
    checkpoint: Checkpoint = None,
    project: Annotated[
        Projection | None,
        typer.Option(
            help="Replace the output by its best fit to the input: one curve for all images, or G0 or G1 per image."
        ),
    ] = None,
    presentation_state: Annotated[
        bool, typer.Option("--presentation-state", help="Write DICOM presentation states instead of images.")
    ] = False,
    workers: Annotated[
        int, typer.Option(min=0, help="Processes that read images ahead, at most one per processor.")
    ] = 0,
    on_fail: Annotated[
        OnFail | None,
        typer.Option(help="Image whose certificate fails: write it, skip it, copy the source, or stop."),
    ] = None,
    panels: ChosenPanels = None,
    inverted: WhenInverted = None,
    method: Method = None,
    origin: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="SITE|auto",
            help="Of --checkpoint's subfolders, one for each source site, the model of this site; auto: of each "
            "image's own site, which is recognised.",
        ),
    ] = None,
    from_unknown: Annotated[
        FromUnknown,
        typer.Option(help="With --from auto, images of no known site: refuse all, skip them, or take the nearest."),
    ] = FromUnknown.refuse,
    to: Annotated[
        str | None,
        typer.Option(metavar="SITE", help="Of a bundle that knows several sites, as stargan_cxr: which look."),
    ] = None,
    grouping: Grouping = Together.look,
    level: Level = LEVEL,
    pattern: Pattern = "*",
    resume: Annotated[
        bool, typer.Option("--resume/--no-resume", help="Skip what an earlier run of this command finished.")
    ] = True,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="The same as --no-resume.")] = False,
) -> None:
    """Write images with the look of the bundle's target site, each in its own format, with certificates.

    The same command again continues an interrupted run. Inputs are never overwritten.
    """
    chosen = {"project": project, "on_fail": on_fail, "panels": panels, "inverted": inverted}
    options = {name: choice.value for name, choice in chosen.items() if choice is not None}
    options |= {} if method is None else {"method": method}
    if to is not None:
        if "sites" not in find_bundle(bundle).entries("inference", overlay or ()):
            raise InputError(f"--to: the bundle {bundle} knows no several sites; its weights are of one target site.")
        options |= {"target_site": to}
    again = overwrite or not resume

    def job_of(weights: Path | None, part: str | None = None) -> Job:
        return Job.of(bundle, weights, overlay, options, states=presentation_state, workers=workers, part=part)

    with only_warnings():
        if origin == AUTO:
            if modality_of(find_bundle(bundle)) == "CT":
                raise InputError("--from auto: tells radiographs apart; of CT name the site.")
            models = Models.below(checkpoint)
            known = images_among(inputs, output, pattern)
            summary = harmonize_by_origin(
                models, job_of, known, output, grouping=grouping.value, level=level, unknown=from_unknown,
                again=again, copies=not presentation_state,
            )  # fmt: skip
        else:
            job = job_of(checkpoint if origin is None else Models.below(checkpoint).of(origin))
            known = images_among(inputs, output, pattern, job.takes_series)
            summary = job.run(known, output, again=again)
    print_summary(summary, output)
    if summary.stopped or summary.failures:
        raise typer.Exit(STOPPED if summary.stopped else PROBLEMS)
