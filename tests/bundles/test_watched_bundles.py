"""The watch of the bundles that train against or with other networks: what it is told, and how it is left out."""

import json
from pathlib import Path

import pytest
from monai.bundle import ConfigParser

from monai_harmonize.engines import TrainingWatch

BOTH_WAYS = {"fake_a", "fake_b", "image_a", "image_b"}
TRANSLATING = {
    "cyclegan_cxr": BOTH_WAYS,
    "unit_cxr": BOTH_WAYS,
    "pix2pix_cxr": {"fake_b", "image_a", "image_b"},
    "mgan_cxr": {"fake_b", "image_a", "image_b"},
    "stargan_cxr": {"fake", "image"},
    "collagan_cxr": {"fake", "real"},
    "adain_ct": {"stylized", "image_a", "image_b"},
}
LEVELS = (8, 16, 32, 64)
DRAWING = {
    "dcgan_cxr": {"fake", "image"},
    "cgan_cxr": {"fake", "image"},
    "acgan_cxr": {"fake", "image"},
    "infogan_cxr": {"fake", "image"},
    "wgan_gp_cxr": {"fake", "image"},
    "pggan_cxr": {"fake", "shown"},
    "dcgan_ct": {"fake", "image"},
    "lapgan_cxr": {f"{kind}_{size}" for kind in ("fake", "real") for size in LEVELS},
}
BUNDLES = {**TRANSLATING, **DRAWING}


def config_of(bundle: str, *overlays: str, **options: object) -> ConfigParser:
    parser = ConfigParser()
    parser.read_config([f"bundles/{bundle}/configs/{name}.json" for name in ("train", *overlays)])
    parser.update(options)
    return parser


def watch_of(parser: ConfigParser) -> TrainingWatch | None:
    """Handler as a bundle makes it."""
    (place,) = (i for i, one in enumerate(parser["train"]["handlers"]) if one["_target_"].endswith("TrainingWatch"))
    return parser.get_parsed_content(f"train#handlers#{place}")


@pytest.mark.parametrize("bundle", BUNDLES)
def test_a_watch_looks_at_images_and_losses_of_its_objective(bundle: str, tmp_path: Path) -> None:
    parser = config_of(bundle, ckpt_dir=str(tmp_path), output_dir=str(tmp_path))
    watch = watch_of(parser)
    assert {key for keys in watch.pictures.outputs.values() for key in keys.values()} == BUNDLES[bundle]
    assert watch.history.falling.keys() <= parser["loss_weights"].keys()
    saved = next(one["shared"] for one in parser["train"]["handlers"] if one["_target_"].endswith("ResumeHandler"))
    of_steps = ("_optimizer", "_scheduler")
    judges = {name for name in saved if name.startswith("discriminator") and not name.endswith(of_steps)}
    assert set(watch.discriminators) == judges
    assert watch.record.path == tmp_path / "watch.json"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("bundle", BUNDLES)
@pytest.mark.parametrize("nothing", [None, "$None"])
def test_null_leaves_the_watch_out(bundle: str, nothing: str | None) -> None:
    assert watch_of(config_of(bundle, watch=nothing)) is None


RECIPES = [(bundle, ()) for bundle in DRAWING] + [("dcgan_cxr", ("gan",)), ("wgan_gp_cxr", ("weight_clipping",))]


@pytest.mark.parametrize(
    ("bundle", "overlays"), RECIPES, ids=lambda part: part if isinstance(part, str) else "".join(part)
)
def test_of_a_bundle_that_draws_there_is_everything_to_measure(
    bundle: str, overlays: tuple[str, ...], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Six steps of the generator, in two reviews; nothing is validated or saved."""
    data = request.getfixturevalue("spine_data" if bundle.endswith("_ct") else "chest_data")
    small = {"image_size": 16, "batch_size": 3, "dataset_dir": str(data), "ckpt_dir": str(tmp_path)}
    parser = config_of(bundle, *overlays, **small, output_dir=str(tmp_path))
    # As many images as a site of the radiographs has.
    parser.update({"site": "reference", "patches_per_volume": 4} if bundle.endswith("_ct") else {"site": "site_b"})
    steps = parser["generator_interval"]
    parser.update({"epochs": 3 * steps, "watch": {"every": 1, "looks": 3, "warm_up": 0}})
    for handler in parser["train"]["handlers"]:
        if handler["_target_"].split(".")[-1] in ("ValidationHandler", "ResumeHandler", "TrainingProgress"):
            handler["_disabled_"] = True
    parser.get_parsed_content("train#trainer").run()
    record = json.loads((tmp_path / "watch.json").read_text())
    assert (record["iteration"], record["reviews"]) == (6 * steps, 2)
    generators, games, parts = {"generator"}, {"discriminator"}, {"generator", "discriminator"}
    if bundle == "lapgan_cxr":
        generators, games = {"generator/8", "generator/16"}, {"discriminator/real_8", "discriminator/real_16"}
        parts = generators | {"discriminator/8", "discriminator/16"}
    measured = {
        key: {name for name, value in found.items() if value is not None} for key, found in record["values"].items()
    }
    assert measured["spread"] == measured["gap"] == generators
    assert measured["separation"] == measured["blindness"] == games
    assert measured["vanished"] == measured["not_finite"] == parts
    assert measured["dependence"] == measured["rank_correlation"] == set()
    # Of the game of a critic there is no dominance; a generator that just began is in progress.
    assert ("dominance" in measured) == (bundle not in ("wgan_gp_cxr", "pggan_cxr"))
    assert all(record["values"]["spread"].values())
