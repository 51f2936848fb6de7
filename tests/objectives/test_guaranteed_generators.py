"""The generators of classes G0, G1 and G3 take the ResNet's place in the CycleGAN bundle by their definition alone."""

import json
from pathlib import Path

import pytest
import torch
from ignite.engine import Events
from monai.bundle import ConfigParser

CONFIGS = Path(__file__).parents[2] / "bundles/cyclegan_cxr/configs"
CURVE = {"_target_": "monai_harmonize.networks.ToneCurveGenerator", "spatial_dims": 2}
GRID, RESIDUAL = (
    json.loads((CONFIGS / f"{name}.json").read_text())["network_def"] for name in ("bounded_grid", "bounded_residual")
)
RESIDUAL["residual_network"] |= {"channels": 4, "num_blocks": 1}


@pytest.mark.slow
@pytest.mark.parametrize("definition", [CURVE, GRID, RESIDUAL], ids=["G0", "G1", "G3"])
def test_one_epoch_of_the_bundle_moves_the_generators(chest_data: Path, tmp_path: Path, definition: dict) -> None:
    parser = ConfigParser()
    parser.read_config(CONFIGS / "train.json")
    parser.update(
        {
            "network_def": definition,
            "bundle_root": str(tmp_path),
            "dataset_dir": str(chest_data),
            "image_size": 32,
            "epochs": 1,
        }
    )
    parser["train"]["handlers"] = []
    trainer = parser.get_parsed_content("train#trainer")
    generators = trainer.objective.generators.values()
    before = [[parameter.clone() for parameter in generator.parameters()] for generator in generators]
    trainer.add_event_handler(Events.ITERATION_COMPLETED(once=3), trainer.terminate)
    trainer.run()
    losses = trainer.state.output["losses"]
    assert {"adversarial_ab", "cycle_a", "identity_b", "discriminator_a"} <= set(losses)
    assert all(torch.isfinite(torch.tensor(value)) for value in losses.values())
    for generator, old in zip(generators, before, strict=True):
        moved = [not torch.equal(a, b) for a, b in zip(generator.parameters(), old, strict=True)]
        assert sum(moved) >= 0.9 * len(moved)
    # Images go in as they are and come out as the class allows: at first nearly as they were.
    fake, image = trainer.state.output["fake_b"], trainer.state.output["image_a"]
    assert (fake - image).abs().max() < 0.3
