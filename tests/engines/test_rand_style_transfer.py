"""Augmentation by stored styles: what is drawn, from which seed, in which process, on slices and volumes."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from monai.data import DataLoader, Dataset, MetaTensor
from monai.utils import set_determinism

from monai_harmonize.data.errors import InputError
from monai_harmonize.engines import RandStyleTransfer, RandStyleTransferd
from monai_harmonize.engines.weights import save_weights
from monai_harmonize.networks import StyleTransferNet
from monai_harmonize.transforms import WindowHounsfield

BUNDLE = "bundles/adain_ct"
LAYERS = {"layers": ["relu1_1", "relu2_1"]}


def built(**options) -> StyleTransferNet:
    parser = ConfigParser()
    parser.read_config(f"{BUNDLE}/configs/inference.json")
    parser.update({**LAYERS, **options})
    return parser.get_parsed_content("network_def")


@pytest.fixture(scope="module")
def network() -> StyleTransferNet:
    torch.manual_seed(0)
    network = built(num_styles=2)
    looks = [[sign * torch.rand(1, 24, 24) for _ in range(2)] for sign in (-1, 1)]
    network.store_styles(looks)
    return network.eval()


@pytest.fixture(scope="module")
def weights(network: StyleTransferNet, tmp_path_factory) -> Path:
    path = save_weights(network, tmp_path_factory.mktemp("style") / "model.pt")
    path.with_suffix(".json").write_text(json.dumps({"num_styles": 2}))
    return path


@pytest.fixture
def image() -> MetaTensor:
    return MetaTensor(2 * torch.rand(1, 21, 18, generator=torch.Generator().manual_seed(0)) - 1, meta={"name": "slice"})


def transform(weights: Path, **options) -> RandStyleTransfer:
    return RandStyleTransfer(BUNDLE, weights, options=LAYERS, **options)


@torch.no_grad()
@pytest.mark.parametrize(("seed", "alpha"), [(0, 1.0), (1, 1.0), (2, 1.0), (3, 0.5)])
def test_it_draws_one_stored_style_at_one_strength(network, weights, image, seed: int, alpha: float) -> None:
    options = {**LAYERS, "alpha": alpha}
    drawing = RandStyleTransfer(BUNDLE, weights, options=options, prob=1.0).set_random_state(seed)
    result = drawing(image)
    random = np.random.RandomState(seed)
    random.rand()
    style, share = int(2 * random.uniform()), random.uniform(0.5, 1.0)
    expected = network.stylize(
        image.as_subclass(torch.Tensor)[None], network.style_means, network.style_deviations,
        alpha * share * torch.eye(2)[style],
    )  # fmt: skip
    torch.testing.assert_close(result.as_subclass(torch.Tensor), expected[0].clamp(-1, 1))
    assert result.meta["name"] == "slice"


@torch.no_grad()
def test_only_some_styles_are_drawn(network, weights, image) -> None:
    drawing = transform(weights, prob=1.0, strength=(1.0, 1.0), styles=[1]).set_random_state(0)
    style = network.style_means, network.style_deviations, torch.eye(2)[1]
    expected = network.stylize(image.as_subclass(torch.Tensor)[None], *style)[0].clamp(-1, 1)
    for _ in range(4):
        torch.testing.assert_close(drawing(image).as_subclass(torch.Tensor), expected)
    with pytest.raises(InputError, match=r"stores 2 styles, numbered from 0 on; styles are \[0, 2\]"):
        transform(weights, prob=1.0, styles=[0, 2])(image)
    for wrong in ([], [-1]):
        with pytest.raises(InputError, match="expected at least one number of a stored style"):
            transform(weights, styles=wrong)


def test_both_styles_and_many_strengths_are_drawn(weights) -> None:
    drawing = transform(weights, strength=(0.2, 0.6), prob=0.3).set_random_state(0)
    draws = []
    for _ in range(2000):
        drawing.randomize()
        draws.append((drawing._do_transform, drawing.place < 0.5, drawing.share))
    acts, first, shares = np.array(draws, dtype=float).T
    assert acts.mean() == pytest.approx(0.3, abs=0.04)
    assert first.mean() == pytest.approx(0.5, abs=0.04)
    assert (shares.min(), shares.max()) == pytest.approx((0.2, 0.6), abs=0.01)


@torch.no_grad()
def test_a_volume_keeps_its_slices_together(network, weights) -> None:
    """A slice of a volume is normalized by the volume's statistics, not by its own."""
    volume = 2 * torch.rand(1, 24, 20, 11) - 1
    volume[..., 0] = -0.9
    drawing = transform(weights, prob=1.0, strength=(1.0, 1.0)).set_random_state(0)
    result = drawing(volume)
    slices = volume.movedim(-1, 0)
    pooled = network.encode(slices)
    own = pooled.mean((0, 2, 3))[None], pooled.std((0, 2, 3), correction=0)[None]
    style = network.style_means, network.style_deviations, torch.eye(2)[int(2 * drawing.place)]
    expected = network.stylize(slices, *style, own).clamp(-1, 1)
    torch.testing.assert_close(result, expected.movedim(0, -1), atol=2e-3, rtol=0)
    assert (network.stylize(slices, *style).clamp(-1, 1) - expected).abs().max() > 0.02


def test_keys_share_a_draw_and_labels_stay(weights, image) -> None:
    both = RandStyleTransferd(["image", "twin"], BUNDLE, weights, options=LAYERS, prob=1.0).set_random_state(1)
    item = {"image": image, "twin": image.clone(), "label": image > 0}
    result = both(item)
    assert torch.equal(result["image"], result["twin"])
    assert result["label"] is item["label"]
    assert item["image"] is image
    assert (result["image"] - image).abs().max() > 0.05
    never = RandStyleTransferd("image", BUNDLE, weights, options=LAYERS, prob=0.0)
    assert never(item)["image"] is image


def test_workers_draw_by_the_seed(weights, image) -> None:
    """Whoever loads the images, the same seed gives the same pictures, and items differ."""
    drawing = RandStyleTransferd("image", BUNDLE, weights, options=LAYERS, prob=1.0)
    assert len(pickle.dumps(drawing)) < 50_000

    def pictures(workers: int, seed: int) -> torch.Tensor:
        set_determinism(seed)
        loader = DataLoader(Dataset([{"image": image}] * 4, drawing), batch_size=4, num_workers=workers)
        (batch,) = list(loader)
        return batch["image"].as_subclass(torch.Tensor)

    try:
        first, again, other = pictures(2, 0), pictures(2, 0), pictures(2, 1)
        assert torch.equal(pictures(0, 0), pictures(0, 0))
    finally:
        set_determinism(None)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert len({float(picture.mean()) for picture in first}) == 4


def test_errors(weights, image, tmp_path) -> None:
    for strength in ((-0.1, 0.5), (0.6, 0.5), (0.5, 1.1)):
        with pytest.raises(InputError, match="expected 0 <= low <= high <= 1"):
            transform(weights, strength=strength)
    drawing = transform(weights, prob=1.0)
    with pytest.raises(InputError, match=r"values from -3000 to 0\.9\d*; expected -1 to 1\. Put WindowHounsfieldd"):
        drawing(torch.cat([image, torch.full_like(image, -3000.0)], 1))
    with pytest.raises(InputError, match="values from nan"):
        drawing(torch.full_like(image, torch.nan))
    with pytest.raises(InputError, match=r"shape \(2, 21, 18\); expected \(1, W, H\)"):
        drawing(image.expand(2, -1, -1))
    assert drawing(WindowHounsfield("bone")(image * 3000)).shape == image.shape
    empty = save_weights(built(), tmp_path / "model.pt")
    with pytest.raises(InputError, match="stores no style"):
        transform(empty, prob=1.0)(image)
    parser = ConfigParser()
    parser.read_config("bundles/site_curve_ct/configs/inference.json")
    other = save_weights(parser.get_parsed_content("network_def"), tmp_path / "curve.pt")
    with pytest.raises(InputError, match="has no stored styles; use RandHarmonizedd"):
        RandStyleTransfer("site_curve_ct", other, prob=1.0)(image)
