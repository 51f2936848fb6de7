"""The command ``monai-harmonize`` and what all of its commands share; each command has a file of its own."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import monai_harmonize
from monai_harmonize.cli.audit import audit
from monai_harmonize.cli.bundles import bundles
from monai_harmonize.cli.demo_data import demo_data, phantoms
from monai_harmonize.cli.evaluate import evaluate
from monai_harmonize.cli.feature_maps import feature_maps
from monai_harmonize.cli.fit import fit
from monai_harmonize.cli.harmonize import harmonize
from monai_harmonize.cli.manifest import check_manifest, manifest
from monai_harmonize.cli.messages import EXIT_CODES, WRONG_USAGE, console, tell_error
from monai_harmonize.cli.pacs import pacs
from monai_harmonize.cli.protocol import protocol
from monai_harmonize.cli.sample_metrics import sample_metrics
from monai_harmonize.cli.sites import sites
from monai_harmonize.cli.style_study.command import style_study
from monai_harmonize.engines.plain_errors import file_error_in, input_error_in

__all__ = ["app"]


class PlainErrorGroup(TyperGroup):
    """Commands that end in one message and exit code 2 where it is the input's or the file system's fault.

    Other exceptions keep their traceback.
    """

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            cause = input_error_in(error) or file_error_in(error)
            if cause is None or isinstance(error, typer.Exit):
                raise
            tell_error(cause)
            raise typer.Exit(WRONG_USAGE) from error


app = typer.Typer(
    cls=PlainErrorGroup,
    help=monai_harmonize.__doc__,
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


@app.callback(invoke_without_command=True)
def main(
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """Set up what all commands share."""
    if version:
        console.print(monai_harmonize.__version__)
        raise typer.Exit


def example(line: str) -> str:
    """Last lines of a command's help."""
    return f"Example: [bold]monai-harmonize {line}[/bold]"


app.command(epilog=f"{example('harmonize scans/ --checkpoint my_model --output harmonized')}\n\n{EXIT_CODES}")(
    harmonize
)
app.command(
    epilog=example(
        "pacs --url https://host/dicom-web --query Modality=CR --query StudyDate=20240101- --checkpoint my_model "
        "--output harmonized --store"
    )
)(pacs)
app.command(epilog=example("fit --source theirs/ --target ours/ --output my_model"))(fit)
app.command(
    epilog=example(
        "evaluate --manifest my/manifest.csv --harmonized harmonized --output report "
        "--source-site theirs --target-site ours"
    )
)(evaluate)
app.command(
    epilog=example("protocol --manifest my/manifest.csv --source-site theirs --target-site ours --output study")
)(protocol)
app.command(epilog=example("style-study --output study"))(style_study)
app.command(epilog=example("audit --checkpoint my_model/model.pt --output audit"))(audit)
app.command(epilog=example("feature-maps scan.png volume.nii.gz --extractor vgg19 --output maps"))(feature_maps)
app.command(
    epilog=example("sample-metrics --samples synthetic/ --training real/train --held-out real/test --output judged")
)(sample_metrics)
app.command(epilog=example("demo-data demo_images --format png"))(demo_data)
app.add_typer(manifest, name="manifest")
app.add_typer(bundles, name="bundles")
app.add_typer(sites, name="sites")
app.command(deprecated=True, hidden=True)(phantoms)
app.command(deprecated=True, hidden=True)(check_manifest)
