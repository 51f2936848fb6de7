"""Augmentation by stored styles: what is drawn, from which seed, in which process, on slices and volumes."""

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from monai.data import DataLoader, Dataset, MetaTensor
from monai.transforms import Orientation, SqueezeDim
from monai.utils import set_determinism

from monai_harmonize.data.errors import InputError
from monai_harmonize.engines import RandStyleTransfer, RandStyleTransferd
from monai_harmonize.engines.weights import save_weights
from monai_harmonize.networks import StyleTransferNet
from monai_harmonize.transforms import WindowHounsfield

BUNDLE = "bundles/adain_ct"
LAYERS = {"layers": ["relu1_1", "relu2_1"]}
LPS = torch.diag(torch.tensor([-1.0, -1.0, 5.0, 1.0], dtype=torch.float64))


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
    """A slice that lies as those do on which styles are learned."""
    values = 2 * torch.rand(1, 21, 18, generator=torch.Generator().manual_seed(0)) - 1
    return MetaTensor(values, affine=LPS, meta={"name": "slice", "spacing_known": True})


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


def test_a_single_number_is_a_list_of_one_and_a_range_of_nothing(weights, image) -> None:
    """As the command line gives them: --style_numbers 1 --style_strength 0.7."""
    one = transform(weights, prob=1.0, strength=0.7, styles=1).set_random_state(0)
    several = transform(weights, prob=1.0, strength=[0.7, 0.7], styles=[1]).set_random_state(0)
    assert torch.equal(one(image), several(image))
    assert one.share == 0.7
    assert transform(weights, strength=1).strength == (1.0, 1.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strength": "strong"}, "strength is 'strong'; expected a number, or the lowest and the highest"),
        ({"strength": [0.1, 0.2, 0.3]}, r"strength is \[0.1, 0.2, 0.3\]; expected a number"),
        ({"strength": True}, "strength is True"),
        ({"strength": None}, "strength is None"),
        ({"strength": 1.5}, r"strength is \(1.5, 1.5\); expected 0 <= low <= high <= 1"),
        ({"styles": "1"}, "styles are '1'; expected the number of a stored style, or a list of some"),
        ({"styles": 0.5}, "styles are 0.5"),
        ({"styles": [0.5]}, r"styles are \[0.5\]; expected the number"),
        ({"styles": True}, "styles are True"),
        ({"styles": -1}, r"styles are \[-1\]; expected at least one number"),
        ({"prob": "often"}, "prob is 'often'; expected a number from 0 to 1"),
        ({"prob": 1.5}, "prob is 1.5"),
        ({"window": [1, 2, 3]}, r"window is \[1, 2, 3\]; expected a name"),
    ],
)
def test_options_of_a_wrong_kind_are_named(weights, options, message) -> None:
    with pytest.raises(InputError, match=message):
        RandStyleTransferd("image", BUNDLE, weights, options=LAYERS, **options)


@torch.no_grad()
@pytest.mark.parametrize("axes", ["RAS", "PLS", "ALS"])
def test_slices_are_drawn_as_they_lie_where_styles_are_learned(weights, image, axes) -> None:
    """Whatever the axes, the picture is the same; that of the image as it is, is another."""
    drawing = transform(weights, prob=1.0, strength=1.0, styles=0).set_random_state(0)
    volume = MetaTensor(torch.stack([image.as_tensor()] * 2, -1), affine=LPS)
    turn = Orientation(axes, labels=None)
    turned, expected = turn(volume), turn(drawing(volume))
    slices = SqueezeDim(-1)(turned[..., :1]), expected[..., 0]
    for given, wanted in ((turned, expected), slices):
        result = drawing(given)
        torch.testing.assert_close(result.as_tensor(), wanted.as_tensor())
        assert torch.equal(torch.as_tensor(result.affine), torch.as_tensor(given.affine))
        assert (drawing(given.as_tensor()) - wanted.as_tensor()).abs().max() > 0.05


def test_a_checkpoint_that_is_no_file_is_named() -> None:
    with pytest.raises(InputError, match="5: there are no trained weights"):
        RandStyleTransferd("image", BUNDLE, 5, options=LAYERS)


def noted(weights: Path, folder: Path, **settings) -> Path:
    """The same weights, noted to be trained with other settings."""
    copy = Path(shutil.copy(weights, folder / "model.pt"))
    copy.with_suffix(".json").write_text(json.dumps({"num_styles": 2, **settings}))
    return copy


def test_another_window_than_that_of_the_style_network_is_refused(weights, tmp_path) -> None:
    bone = noted(weights, tmp_path, window=[-500.0, 1300.0], spacing=[1.0, 1.0, 5.0])
    for same in ("bone", (-500, 1300), None):
        transform(bone, window=same)
    message = (
        r"model\.pt: was trained with window \[-500.0, 1300.0\], and the images are shown through \[-150.0, 250.0\]"
    )
    with pytest.raises(InputError, match=message):
        RandStyleTransferd("image", BUNDLE, bone, options=LAYERS, window="soft_tissue")
    transform(weights, window="soft_tissue")


@pytest.mark.parametrize(("spacing", "told"), [((1.0, 1.05, 5.0), False), ((0.3, 0.3, 1.0), True), ((), False)])
def test_another_spacing_than_that_of_the_style_network_is_told_once(
    weights, image, tmp_path, caplog, spacing, told
) -> None:
    drawing = transform(noted(weights, tmp_path, spacing=list(spacing)), prob=1.0)
    drawing(image.as_tensor())
    assert not caplog.records
    drawing(image)
    drawing(image)
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == told
    if told:
        assert "were learned on pixels of 0.3 x 0.3 mm; these images have 1 x 1 mm" in messages[0]


def test_a_volume_is_compared_by_its_axial_slices(weights, tmp_path, caplog) -> None:
    drawing = transform(noted(weights, tmp_path, spacing=[1.0, 2.0, 9.0]), prob=1.0)
    volume = MetaTensor(torch.zeros(1, 8, 6, 8), affine=torch.diag(torch.tensor([2.0, 1.0, 5.0, 1.0]))[:, [0, 2, 1, 3]])
    volume.meta["spacing_known"] = True
    drawing(volume)
    assert not caplog.records


def test_whether_and_what_are_drawn_independently(weights) -> None:
    """With one seed for both, the strength of an image would follow from its chance to be changed."""
    both = RandStyleTransferd("image", BUNDLE, weights, options=LAYERS, prob=0.5)
    chances, places = [], []
    for seed in range(300):
        both.set_random_state(seed)
        both.style.randomize()
        chances.append(np.random.RandomState(seed).rand(2))
        places.append((both.style.place, both.style.share))
        both.set_random_state(seed).style.randomize()
        assert places[-1] == (both.style.place, both.style.share)
    assert np.abs(np.corrcoef(np.hstack([chances, places]), rowvar=False)[:2, 2:]).max() < 0.2


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
