"""The options reach the phantoms."""

import pytest

from monai_harmonize.cli import demo_data


@pytest.mark.parametrize("name", ["demo-data", "phantoms"])
def test_options(cli, monkeypatch, tmp_path, name: str) -> None:
    asked = {}

    def write(folder, **options):
        asked.update(options, folder=folder)
        return folder / "manifest.csv"

    monkeypatch.setattr(demo_data, "write_chest_dataset", write)
    done = cli(name, tmp_path, "--format", "png", "--size", "32", "--seed", "4")
    assert done.exit_code == 0
    assert asked == {"folder": tmp_path, "file_format": "png", "size": 32, "seed": 4}
    assert done.stdout.strip() == str(tmp_path / "manifest.csv")
    assert ("use 'demo-data'" in done.stderr) == (name == "phantoms")
