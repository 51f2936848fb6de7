"""``feature-maps``: what the layers of a feature extractor see of images, before they are chosen for a loss."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from monai.data import MetaTensor
from monai.transforms import Orientation
from torch import Tensor

from monai_harmonize.cli.images import Pattern, images_among
from monai_harmonize.cli.messages import PROBLEMS, console, only_warnings, tell_error
from monai_harmonize.data import ImageFileError, InputError
from monai_harmonize.data.hounsfield import check_hounsfield, hounsfield_range
from monai_harmonize.data.output_paths import OutputPaths
from monai_harmonize.evaluation.feature_maps import write_feature_maps
from monai_harmonize.networks import FeatureExtractor
from monai_harmonize.transforms import LoadRadiograph, ScaleGreyLevels, ShrinkTo, WindowHounsfield

__all__ = ["feature_maps"]

# The window of volumes, of which it is known that they are in HU.
VOLUME_WINDOW = "bone"


def feature_maps(
    inputs: Annotated[
        list[Path],
        typer.Argument(help="Radiographs (DICOM, PNG, JPEG), CT volumes (NIfTI), folders of one DICOM series each."),
    ],
    output: Annotated[Path, typer.Option(help="Folder of the sheets, <image>/<layer>.png.")],
    extractor: Annotated[
        str, typer.Option(help="vgg19, resnet50, resnet101, densenet121, densenet169 or densenet201.")
    ] = "vgg19",
    layer: Annotated[
        list[str] | None,
        typer.Option(help="Layer to show, may be repeated; by default a few down to an eighth of the size."),
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="Of torchvision, by name (IMAGENET1K_V1) or as a file; random by default.")
    ] = None,
    window: Annotated[
        str | None,
        typer.Option(help="In HU: bone, soft_tissue, lung or wide. Volumes: bone; without it, others as stored."),
    ] = None,
    axial_slice: Annotated[
        int | None, typer.Option("--slice", min=0, help="Of volumes, counted from the feet; the middle by default.")
    ] = None,
    size: Annotated[int, typer.Option(min=1, help="Longest side in pixels; larger images are reduced.")] = 512,
    channels: Annotated[int, typer.Option(min=1, help="Shown of each layer: those that vary most.")] = 23,
    pattern: Pattern = "*",
) -> None:
    """Draw the feature maps of a network's layers, a contact sheet per layer and image."""
    network = FeatureExtractor(extractor, layer, weights)
    title = f"{extractor}, {'random weights' if weights is None else Path(weights).name},"
    if window is not None:
        hounsfield_range(window)
    found = images_among(inputs, output, pattern, series=True)
    places = OutputPaths(output, found.root, extension="")
    folders = {path: places.path_for(path) for path in (Path(item["image"]) for item in found.items)}

    def draw(path: Path) -> bool:
        try:
            image = network_image(path, window, axial_slice, size)
            refuse_small(image, network, path)
            sheets = write_feature_maps(network, image, folders[path], title, channels)
        except InputError as error:
            tell_error(error)
            return False
        console.print(f"{folders[path]}: {', '.join(sheet.name for sheet in sheets)}")
        return True

    with only_warnings():
        done = [draw(path) for path in folders]
    if not all(done):
        raise typer.Exit(PROBLEMS)


def network_image(path: Path, window: str | None, number: int | None, size: int) -> Tensor:
    """An image, or an axial slice of a volume, as networks see it: ``(1, W, H)`` in [-1, 1], bright = dense.

    Args:
        path: file, or folder of a DICOM series.
        window: see ``hounsfield_range``; ``None`` is ``VOLUME_WINDOW`` for volumes, others keep their own grey range.
        number: of the slice, counted from the feet; ``None`` is the middle.
        size: pixels that the longest side may have.

    Raises:
        ImageFileError: the file cannot be read, is not in HU where a window needs it, or has no such slice.
    """
    image = LoadRadiograph()(path)
    is_volume = image.ndim == 4
    window = VOLUME_WINDOW if is_volume and window is None else window
    if window is not None:
        check_hounsfield(image, path)
    grey_range = image.meta["grey_range"]
    if is_volume:
        image = slice_of(image, number, path)
    elif number is not None:
        raise ImageFileError(path, "is one image without slices; expected a volume; leave out --slice")
    scale = ScaleGreyLevels(grey_range) if window is None else WindowHounsfield(window, check_unit=False)
    return ShrinkTo(size)(scale(image)).as_subclass(Tensor)


def refuse_small(image: Tensor, network: FeatureExtractor, path: Path) -> None:
    """Raise ``ImageFileError`` for ``(1, W, H)`` of which the deepest layer would have nothing left."""
    least = max(network.strides)
    if min(image.shape[1:]) < least:
        width, height = image.shape[1:]
        raise ImageFileError(
            path, f"has {width} x {height} pixels for the network; {network.layers[-1]} needs at least {least} each way"
        )


def slice_of(volume: MetaTensor, number: int | None, path: Path) -> Tensor:
    """Axial slice as radiologists see it: from the feet, front at the top, the patient's right at the left.

    Args:
        volume: ``(1, W, H, D)`` in any order of axes.
        number: counted from the feet; ``None`` is the middle.
        path: of the volume, for the error.

    Raises:
        ImageFileError: there is no such slice.
    """
    upright = Orientation("LPS")(volume)
    count = upright.shape[-1]
    number = count // 2 if number is None else number
    if number >= count:
        raise ImageFileError(path, f"has no axial slice {number}; expected --slice 0 to {count - 1}")
    chosen: Tensor = upright[..., number].as_subclass(Tensor)
    return chosen
