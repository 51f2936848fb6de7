"""The trainer, image by image, and the plain loop of AdaIN over the batch compute the same gradients and weights."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from monai_harmonize.engines import ObjectiveTrainer
from monai_harmonize.networks import StyleTransferNet
from monai_harmonize.objectives import StyleTransfer

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from measurement import count_operations
from plain_adain import CONTENT_WEIGHT, STYLE_WEIGHT, PlainAdaIN, PlainDecoder

Gradients = list[list[Tensor]]
WEIGHTS = {"contextual": 0.0, "content": CONTENT_WEIGHT, "style": STYLE_WEIGHT}
IMAGES, STEPS = 4, 3


def network(dtype: torch.dtype) -> StyleTransferNet:
    """Small, and past its start, where the blocks are the identity."""
    torch.manual_seed(0)
    made = StyleTransferNet(layers=["relu1_1", "relu2_1", "relu3_1"]).to(dtype)
    for name, weight in made.decoder.named_parameters():
        if name.endswith("weight") and not weight.any():
            nn.init.normal_(weight, std=0.01)
    return made


def batches(dtype: torch.dtype) -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(1)
    drawn = torch.rand(STEPS, 2, IMAGES, 1, 16, 20, generator=generator, dtype=dtype) * 2 - 1
    return [(contents, styles**3) for contents, styles in drawn.unbind()]


def noting(trained: nn.Module, seen: Gradients) -> torch.optim.Adam:
    """Adam that notes the gradients it is given.

    At ten times the rate the whole image is clipped after a step, and in flat features rounding decides which of the
    equal neighbours a maximum takes.
    """
    optimizer = torch.optim.Adam(trained.parameters(), 1e-4)
    optimizer.register_step_pre_hook(
        lambda own, *_: seen.append([p.grad.clone() for p in own.param_groups[0]["params"]])
    )
    return optimizer


def plain(dtype: torch.dtype, seen: Gradients) -> tuple[nn.Module, Callable[[], None]]:
    """Decoder and the loop over the batches, each as a whole."""
    untrained = network(dtype)
    decoder = PlainDecoder(untrained)
    loop = PlainAdaIN(untrained.extractor, decoder, noting(decoder, seen))

    def run() -> None:
        for batch in batches(dtype):
            loop.step(*batch)

    return decoder, run


def ours(dtype: torch.dtype, seen: Gradients, images: int) -> tuple[nn.Module, Callable[[], None]]:
    """Decoder and the trainer, so many images at a time, with an optimizer step for each batch."""
    trained = network(dtype)
    data = [
        {"image_a": content, "image_b": style}
        for batch in batches(dtype)
        for content, style in zip(*(part.split(images) for part in batch), strict=True)
    ]
    trainer = ObjectiveTrainer(
        "cpu",
        1,
        data,
        StyleTransfer(trained, WEIGHTS),
        noting(trained, seen),
        channels_last=True,
        accumulation_steps=IMAGES // images,
    )
    return trained.decoder, trainer.run


@pytest.mark.parametrize("images", [1, 2, IMAGES])
def test_gradients_and_weights_agree_in_double_precision(images: int) -> None:
    expected: Gradients = []
    seen: Gradients = []
    reference, run_plain = plain(torch.float64, expected)
    own, run_ours = ours(torch.float64, seen, images)
    run_plain()
    run_ours()
    assert len(seen) == len(expected) == STEPS
    for found, wanted in zip(seen, expected, strict=True):
        for gradient, other in zip(found, wanted, strict=True):
            assert float((gradient - other).norm()) <= 1e-7 * float(other.norm()) > 0
    for weight, wanted, before in zip(
        own.parameters(), reference.parameters(), network(torch.float64).decoder.parameters(), strict=True
    ):
        torch.testing.assert_close(weight, wanted, rtol=1e-7, atol=1e-9)
        assert not torch.equal(weight, before)


def test_gradients_are_close_in_single_precision() -> None:
    expected: Gradients = []
    seen: Gradients = []
    plain(torch.float32, expected)[1]()
    ours(torch.float32, seen, 1)[1]()
    for gradient, other in zip(seen[0], expected[0], strict=True):
        assert float((gradient - other).norm()) <= 1e-4 * float(other.norm())


def test_ours_takes_fewer_operations() -> None:
    """The convolutions of doubled features with 4/9 of theirs."""
    counts = [count_operations(run) for run in (plain(torch.float32, [])[1], ours(torch.float32, [], 1)[1])]
    assert 0.85 * counts[0] < counts[1] < 0.95 * counts[0]
