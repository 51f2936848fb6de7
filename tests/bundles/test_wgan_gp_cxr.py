"""What is special about the Wasserstein bundle: the estimate on TensorBoard, and clipped weights."""

from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigWorkflow
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

BUNDLE = Path("bundles/wgan_gp_cxr/configs")


def train(folder: Path, data: Path, *overlays: str) -> dict[str, list[float]]:
    """Train for six iterations; return what TensorBoard was told."""
    files = [str(BUNDLE / name) for name in ("train.json", *overlays)]
    places = {"ckpt_dir": str(folder / "models"), "output_dir": str(folder / "eval"), "dataset_dir": str(data)}
    small = {"image_size": 16, "epochs": 3, "val_interval": 3, "batch_size": 3}
    workflow = ConfigWorkflow(files, workflow_type="train", logging_file=False, **places, **small)
    workflow.initialize()
    workflow.run()
    events = EventAccumulator(str(folder / "eval"))
    events.Reload()
    return {name: [event.value for event in events.Scalars(name)] for name in events.Tags()["scalars"]}


def test_the_critics_estimate_is_a_curve_of_its_own(chest_data: Path, tmp_path: Path) -> None:
    told = train(tmp_path, chest_data)
    (estimate,) = (values for name, values in told.items() if "critic_estimate" in name)
    (real,) = (values for name, values in told.items() if "discriminator_real" in name)
    (fake,) = (values for name, values in told.items() if "discriminator_fake" in name)
    assert estimate == pytest.approx([-(one + other) for one, other in zip(real, fake, strict=True)])
    assert len(estimate) == 6
    assert any("gradient_penalty" in name for name in told)
    state = torch.load(tmp_path / "models" / "resume.pt", weights_only=True)["shared"]["discriminator"]
    assert max(float(value.abs().max()) for value in state.values()) > 0.05


def test_the_overlay_clips_and_penalises_nothing(chest_data: Path, tmp_path: Path) -> None:
    told = train(tmp_path, chest_data, "weight_clipping.json")
    assert not any("gradient_penalty" in name for name in told)
    shared = torch.load(tmp_path / "models" / "resume.pt", weights_only=True)["shared"]
    weights = [value for name, value in shared["discriminator"].items() if name.endswith(("weight", "bias"))]
    assert max(float(value.abs().max()) for value in weights) == pytest.approx(0.01)
    # RMSprop, without the moments of Adam.
    assert {"square_avg"} <= set(shared["generator_optimizer"]["state"][0]) - {"exp_avg"}
