"""Weights must have been trained before they are used, with the same network."""

import json

import pytest
import torch
from torch import nn

from monai_harmonize.data.errors import InputError
from monai_harmonize.engines.weights import (
    FittedBy,
    fitted_by,
    record_fit,
    save_settings,
    save_weights,
    trained_setting,
    trained_settings,
    trained_sites,
    trained_weights,
    weights_if_any,
)


def test_the_network_receives_the_weights(tmp_path) -> None:
    source, network = nn.Linear(2, 3), nn.Linear(2, 3)
    torch.save(source.state_dict(), tmp_path / "model.pt")
    assert trained_weights(str(tmp_path / "model.pt"), network) == tmp_path / "model.pt"
    assert torch.equal(network.weight, source.weight)
    assert torch.equal(network.bias, source.bias)


def test_weights_that_may_be_absent(tmp_path) -> None:
    network = torch.nn.Linear(2, 2)
    assert weights_if_any(tmp_path / "none.pt", network) is None
    path = save_weights(torch.nn.Linear(2, 2), tmp_path / "model.pt")
    assert weights_if_any(path, network) is network
    assert torch.equal(network.weight, torch.load(path, weights_only=True)["weight"])


def test_no_file_or_a_folder(tmp_path) -> None:
    for path in (tmp_path / "model.pt", tmp_path):
        with pytest.raises(InputError, match=rf"{path}: there are no trained weights. Train first .* --bundle_root\.$"):
            trained_weights(path, nn.Linear(2, 3))


class Trap:
    """What a malicious file would run on loading."""

    def __reduce__(self):
        return pytest.fail, ("code of a weight file was run",)


@pytest.mark.parametrize("content", ["nothing", "text", "half", "code"])
def test_a_damaged_file_is_refused_and_its_code_not_run(tmp_path, content: str) -> None:
    path = tmp_path / "model.pt"
    torch.save({"weight": Trap()} if content == "code" else nn.Linear(2, 3).state_dict(), path)
    whole = path.read_bytes()
    path.write_bytes({"nothing": b"", "text": b"weights", "half": whole[: len(whole) // 2], "code": whole}[content])
    with pytest.raises(InputError, match=r"model\.pt: is damaged or holds more than tensors; get the weights again"):
        trained_weights(path, nn.Linear(2, 3))


@pytest.mark.parametrize("legacy", [False, True])
def test_changed_bytes_do_not_become_weights(tmp_path, legacy: bool) -> None:
    """PyTorch's older format has no checksum, but is read."""
    path, source, network = tmp_path / "model.pt", nn.Linear(2, 3), nn.Linear(2, 3)
    torch.save(source.state_dict(), path, _use_new_zipfile_serialization=not legacy)
    trained_weights(path, network)
    assert torch.equal(network.weight, source.weight)
    content = bytearray(path.read_bytes())
    start = content.index(source.weight.detach().numpy().tobytes())
    content[start] ^= 255
    content[start + 5] ^= 255
    path.write_bytes(content)
    if not legacy:
        with pytest.raises(
            InputError, match=r"model\.pt: is damaged or holds more than tensors; get the weights again"
        ):
            trained_weights(path, network)
        assert torch.equal(network.weight, source.weight)


@pytest.mark.parametrize("state", [nn.Linear(2, 4).state_dict(), {"other": torch.zeros(1)}, {}, [1, 2], torch.zeros(2)])
def test_weights_of_another_network_are_refused(tmp_path, state) -> None:
    torch.save(state, tmp_path / "model.pt")
    with pytest.raises(InputError, match=r"model\.pt: holds the weights of another network; give the overlay"):
        trained_weights(tmp_path / "model.pt", nn.Linear(2, 3))


def test_weights_are_written_flat_and_come_back(tmp_path) -> None:
    network, other = nn.Linear(2, 3), nn.Linear(2, 3)
    trained_weights(save_weights(network, tmp_path / "new" / "model.pt"), other)
    assert torch.equal(network.weight, other.weight)


def test_other_settings_than_those_of_the_training_are_refused(tmp_path) -> None:
    path = save_weights(nn.Linear(2, 3), tmp_path / "model.pt")
    assert trained_settings(path) == {}
    trained_weights(path, nn.Linear(2, 3), image_size=128)
    (tmp_path / "model.json").write_text('{"image_size": 64}')
    assert trained_settings(path) == {"image_size": 64}
    trained_weights(path, nn.Linear(2, 3), image_size=64)
    with pytest.raises(InputError, match=r"trained with image_size 64, not 128; add --image_size 64"):
        trained_weights(path, nn.Linear(2, 3), image_size=128)


def test_a_setting_may_be_a_list_of_numbers(tmp_path) -> None:
    path = save_weights(nn.Linear(2, 3), tmp_path / "model.pt")
    (tmp_path / "model.json").write_text('{"spacing": [2.5, 2.5, 5]}')
    trained_weights(path, nn.Linear(2, 3), spacing=[2.5, 2.5, 5.0])
    with pytest.raises(InputError, match=r"not \[1, 1, 1\]; add --spacing \"\[2\.5, 2\.5, 5\]\"\."):
        trained_weights(path, nn.Linear(2, 3), spacing=[1, 1, 1])
    with pytest.raises(InputError, match=r"its spacing is no single number"):
        trained_setting(path, "spacing")


def test_sites_are_those_that_were_trained(tmp_path) -> None:
    path = save_weights(nn.Linear(2, 3), tmp_path / "model.pt")
    assert trained_sites(path, ("site_a", "site_b")) == ["site_a", "site_b"]
    save_settings(path, {"sites": ["St. Mary, 2", "north"]})
    assert trained_sites(path, ["site_a", "site_b"]) == ["St. Mary, 2", "north"]
    trained_weights(path, nn.Linear(2, 3), sites=["St. Mary, 2", "north"])
    with pytest.raises(
        InputError, match=r"trained with sites \['St. Mary, 2', 'north'\], not \['north', 'St. Mary, 2'\]"
    ):
        trained_weights(path, nn.Linear(2, 3), sites=["north", "St. Mary, 2"])
    for sites in (3, [1, 2]):
        save_settings(path, {"sites": sites})
        with pytest.raises(InputError, match=r"model\.json: its sites are no names"):
            trained_sites(path, ["site_a", "site_b"])


@pytest.mark.parametrize("text", ["{", "[1]", '{"fitted_by": {"bundle": 1}}', '{"fitted_by": 3}'])
def test_a_damaged_file_of_settings(tmp_path, text: str) -> None:
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(InputError, match=r"model\.json: is damaged"):
        fitted_by(tmp_path / "model.pt")


@pytest.mark.parametrize(
    "value",
    [
        "$print()",
        ["$print()"],
        [1, [2]],
        [1, None],
        "name",
        ["a", "@b"],
        ["a", "%b"],
        ["a", 1],
        {"_target_": "os.getcwd"},
        None,
    ],
)
def test_settings_cannot_be_code(tmp_path, value) -> None:
    """A configuration evaluates texts and instantiates objects."""
    (tmp_path / "model.json").write_text(json.dumps({"image_size": value}))
    with pytest.raises(InputError, match=r"model\.json: its image_size is no number"):
        trained_settings(tmp_path / "model.pt")


def test_what_made_weights_is_noted_beside_their_settings(tmp_path) -> None:
    assert fitted_by(tmp_path / "model.pt") is None
    (tmp_path / "model.json").write_text('{"image_size": 64}')
    for overlays in (["filter"], []):
        record_fit(tmp_path / "model.pt", FittedBy("tone_curve_cxr", overlays))
        assert fitted_by(tmp_path / "model.pt") == FittedBy("tone_curve_cxr", tuple(overlays))
        assert trained_settings(tmp_path / "model.pt") == {"image_size": 64}
