"""A harmonizer bundle as a transform: what its own inference computes, without a data set, in every process."""

import json
import pickle
import shutil
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow
from monai.data import DataLoader, Dataset, MetaTensor

from monai_harmonize.data.errors import InputError
from monai_harmonize.engines import Harmonized, Harmonizedd, RandHarmonizedd
from monai_harmonize.engines.harmonized import digest_of_harmonizer
from monai_harmonize.engines.weights import FittedBy, record_fit, save_weights
from monai_harmonize.metrics import SiteReference, save_site_reference
from monai_harmonize.networks import digest_of_weights
from monai_harmonize.transforms import LoadRadiograph, ScaleGreyLevels, StandardiseLandmarks

CYCLEGAN, CURVE = "bundles/cyclegan_cxr", "bundles/tone_curve_cxr"


def network_of(bundle: str, *overlays: str) -> torch.nn.Module:
    parser = ConfigParser()
    parser.read_config([f"{bundle}/configs/{name}.json" for name in ("inference", *overlays)])
    return parser.get_parsed_content("network_def")


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """A CycleGAN generator of random weights, trained at another size than the configuration's."""
    torch.manual_seed(0)
    network = network_of(CYCLEGAN)
    *_, last = (weight for weight in network.parameters() if weight.ndim == 4)
    last.data.normal_(std=0.1)  # a fresh generator hardly changes an image
    path = save_weights(network, tmp_path_factory.mktemp("cyclegan") / "model.pt")
    path.with_suffix(".json").write_text(json.dumps({"image_size": 32}))
    return path


@pytest.fixture(scope="module")
def curve(tmp_path_factory, chest_data: Path) -> Path:
    """A site curve with a radial gain, fitted to phantoms as the command does."""
    root = tmp_path_factory.mktemp("curve")
    files = [f"{CURVE}/configs/{name}.json" for name in ("train", "filter")]
    workflow = ConfigWorkflow(files, logging_file=False, bundle_root=str(root), dataset_dir=str(chest_data))
    workflow.initialize()
    workflow.run()
    record_fit(root / "models" / "model.pt", FittedBy("tone_curve_cxr", ["filter"]))
    return root / "models" / "model.pt"


@pytest.fixture(scope="module")
def image(chest_data: Path) -> MetaTensor:
    path = min((chest_data / "test" / "site_a").glob("*.dcm"))
    return ScaleGreyLevels()(LoadRadiograph()(path))


def inference(bundle: str, checkpoint: Path, path: str, output: Path, *overlays: str, **options) -> torch.Tensor:
    """Prediction of the bundle's own inference for one file, clipped as its writer clips."""
    files = [f"{bundle}/configs/{name}.json" for name in ("inference", *overlays)]
    given = {"checkpoint": str(checkpoint), "input": path, "output_dir": str(output), **options}
    workflow = ConfigWorkflow(files, workflow_type="inference", logging_file=False, **given)
    workflow.parser["postprocessing"] = None
    workflow.initialize()
    evaluator = workflow.parser.get_parsed_content("evaluator")
    evaluator.run()
    return torch.as_tensor(evaluator.state.output[0]["pred"]).as_subclass(torch.Tensor).clamp(-1, 1)


@pytest.mark.parametrize("project", ["none", "g0"])
def test_a_generator_does_what_its_inference_does(weights, image, tmp_path, project: str) -> None:
    path = image.meta["filename_or_obj"]
    expected = inference(CYCLEGAN, weights, path, tmp_path, image_size=32, project=project)
    result = Harmonized(CYCLEGAN, weights, options={"project": project})(image)
    torch.testing.assert_close(result.as_subclass(torch.Tensor), expected)
    assert (result - image).abs().max() > 0.05
    assert result.meta["filename_or_obj"] == path


def test_a_setting_that_inference_has_no_entry_for_is_left_to_others(weights, image, tmp_path) -> None:
    """Such as the spacing at which a style was learned; by inference nothing is resampled."""
    copy = Path(shutil.copy(weights, tmp_path / "model.pt"))
    copy.with_suffix(".json").write_text(json.dumps({"image_size": 32, "spacing": [1.0, 1.0, 5.0]}))
    harmonized = Harmonized(CYCLEGAN, copy)
    assert harmonized.options == {"image_size": 32}
    assert torch.equal(harmonized(image).as_tensor(), Harmonized(CYCLEGAN, weights)(image).as_tensor())


@torch.no_grad()
def test_a_ct_that_is_shown_through_a_window_is_not_taken_for_hounsfield_units(tmp_path) -> None:
    torch.manual_seed(0)
    network = network_of("bundles/adain_ct")
    network.store_styles([torch.rand(2, 1, 24, 24)])
    weights = save_weights(network, tmp_path / "model.pt")
    image = 2 * torch.rand(1, 24, 20) - 1
    expected = network.eval()(image[None])[0]
    torch.testing.assert_close(Harmonized("bundles/adain_ct", weights)(image), expected)
    assert expected.std() > 0.01


def test_the_digest_is_of_the_weights_in_use(weights, tmp_path) -> None:
    copied = shutil.copy(weights, tmp_path / "model.pt")
    digest = digest_of_harmonizer(CYCLEGAN, weights)
    assert digest == digest_of_harmonizer(bundle=CYCLEGAN, checkpoint=tmp_path) == digest_of_weights(copied)
    save_weights(network_of(CYCLEGAN), tmp_path / "model.pt")
    assert digest != digest_of_harmonizer(CYCLEGAN, tmp_path)
    assert digest_of_harmonizer(None, None, options={}) is None


def test_a_fitted_curve_and_its_overlay_do_what_the_inference_does(curve, image, tmp_path) -> None:
    """The gain needs the pixel spacing, which the metadata carry."""
    expected = inference(CURVE, curve, image.meta["filename_or_obj"], tmp_path, "filter")
    result = Harmonized(CURVE, curve.parent)(image)
    torch.testing.assert_close(result.as_subclass(torch.Tensor), expected)
    assert not torch.equal(result, image)


def test_a_site_of_turned_images_is_turned(curve, image, tmp_path) -> None:
    """The polarity is a step of the bundle's preprocessing."""
    state = torch.load(curve, weights_only=True)
    torch.save({**state, "polarity": -state["polarity"]}, tmp_path / "model.pt")
    record_fit(tmp_path / "model.pt", FittedBy("tone_curve_cxr", ["filter"]))
    turned = Harmonized(CURVE, tmp_path)(image)
    expected = inference(CURVE, tmp_path / "model.pt", image.meta["filename_or_obj"], tmp_path, "filter")
    torch.testing.assert_close(turned.as_subclass(torch.Tensor), expected)
    assert turned.meta["polarity_corrected"]
    assert (turned - Harmonized(CURVE, curve)(image)).abs().max() > 0.5


def test_options_choose_a_traditional_method(image, tmp_path) -> None:
    site = SiteReference.fit([torch.rand(1, 40, 30) ** 2 * 2 - 1 for _ in range(3)])
    save_site_reference(site, tmp_path / "reference.json")
    path = save_weights(network_of("bundles/histogram_cxr"), tmp_path / "model.pt")
    result = Harmonized("histogram_cxr", path, options={"method": "nyul"})(image)
    torch.testing.assert_close(result, StandardiseLandmarks(site)(image).clamp(-1, 1))


def test_a_projection_is_increasing(weights, image) -> None:
    result = Harmonized("cyclegan_cxr", weights, options={"project": "g0"})(image)
    source, harmonized = (part.as_subclass(torch.Tensor).flatten().double() for part in (image, result))
    order = source.argsort()
    assert (harmonized[order].diff() >= -1e-5).all()


def test_it_travels_without_its_network_and_works_in_workers(weights, image) -> None:
    transform = Harmonizedd("image", CYCLEGAN, weights)
    expected = transform({"image": image})["image"]
    assert len(pickle.dumps(transform)) < 50_000
    loader = DataLoader(Dataset([{"image": image}] * 2, transform), batch_size=2, num_workers=1)
    (batch,) = list(loader)
    torch.testing.assert_close(batch["image"][1].as_subclass(torch.Tensor), expected.as_subclass(torch.Tensor))


def test_the_global_state_and_the_input_stay(weights, image) -> None:
    before, state = image.clone(), torch.get_rng_state()
    plain = Harmonized(CYCLEGAN, weights)
    plain.build()
    torch.set_rng_state(state)
    result = plain(image.as_subclass(torch.Tensor))
    assert type(result) is torch.Tensor
    assert not result.requires_grad
    assert torch.equal(image, before)


def test_without_a_bundle_images_stay_raw(image) -> None:
    assert Harmonizedd("image")({"image": image})["image"] is image
    with pytest.raises(InputError, match="without the bundle of the harmonizer"):
        Harmonizedd("image", checkpoint="model.pt")


def test_errors(weights, tmp_path, image) -> None:
    with pytest.raises(InputError, match="absent: is no folder of a bundle"):
        Harmonized("absent", weights)
    with pytest.raises(InputError, match="lung_segmentation_cxr: is no harmonizer"):
        Harmonized("lung_segmentation_cxr", weights)
    with pytest.raises(InputError, match=r"none\.pt: there are no trained weights"):
        Harmonized(CYCLEGAN, tmp_path / "none.pt")
    shutil.copytree(f"{CYCLEGAN}/configs", tmp_path / "untrained" / "configs")
    with pytest.raises(InputError, match=r"untrained/models/model_b2a\.pt: there are no trained weights"):
        Harmonized(tmp_path / "untrained", overlays=["inference_b2a"])
    with pytest.raises(InputError, match="project is 'site'"):
        Harmonized(CYCLEGAN, weights, options={"project": "site"})
    with pytest.raises(InputError, match="no entry 'project'"):
        Harmonized(CURVE, save_weights(network_of(CURVE), tmp_path / "model.pt"), options={"project": "g0"})
    record_fit(tmp_path / "model.pt", FittedBy("tone_curve_cxr", []))
    with pytest.raises(InputError, match="was fitted with the bundle tone_curve_cxr"):
        Harmonized(CYCLEGAN, tmp_path / "model.pt")
    other = save_weights(torch.nn.Linear(2, 2), tmp_path / "other" / "model.pt")
    with pytest.raises(InputError, match="weights of another network"):
        Harmonized(CYCLEGAN, other)(image)


def looks(*checkpoints: Path) -> list[dict]:
    return [{"bundle": bundle, "checkpoint": path} for bundle, path in zip((CYCLEGAN, CURVE), checkpoints, strict=True)]


def test_looks_are_drawn_evenly_and_by_seed(weights, curve, image) -> None:
    names = {}
    for place, look in enumerate(looks(weights, curve)):
        names[place] = Harmonized(**look)(image)

    def drawn(seed: int) -> list[int]:
        transform = RandHarmonizedd("image", looks(weights, curve), prob=0.5).set_random_state(seed)
        results = [transform({"image": image})["image"] for _ in range(24)]
        return [next((place for place, look in names.items() if torch.equal(look, result)), -1) for result in results]

    first = drawn(0)
    assert first == drawn(0)
    assert first != drawn(1)
    assert {-1, 0, 1} == set(first)
    assert 6 <= first.count(-1) <= 18


def test_a_part_of_a_look_lies_between(weights, image) -> None:
    look = looks(weights, weights)[:1]
    whole = Harmonized(**look[0])(image)
    transform = RandHarmonizedd("image", look, prob=1.0, strength=(0.25, 0.25)).set_random_state(0)
    result = transform({"image": image})["image"]
    torch.testing.assert_close(result, 0.75 * image + 0.25 * whole)
    for wrong in ({"looks": []}, {"looks": look, "strength": (0.5, 2)}, {"looks": [{"bundel": CYCLEGAN}]}):
        with pytest.raises(InputError, match=r"looks|strength"):
            RandHarmonizedd("image", **wrong)
