"""Publications of trained weights: wherever a process is killed, nobody sees weights beside the settings of others."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from monai_harmonize.data import InputError
from monai_harmonize.label_app import publication
from monai_harmonize.label_app.image_looks import LOOK
from monai_harmonize.label_app.publication import STATS, finish, is_pending, publish, settled, training_alone

FILES = ("model.pt", "model.json", LOOK, STATS)


class KilledError(BaseException):
    """Instead of a signal."""


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Old files, with a training whose new ones are ready."""
    for folder, content in (("models", "old"), (f"models/{publication.ATTEMPT}", "new")):
        (tmp_path / folder).mkdir()
        for name in FILES:
            (tmp_path / folder / name).write_text(content)
    (tmp_path / "models" / "reference.json").write_text("nobody's")
    return tmp_path / "models" / "model.pt"


def content(weights: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in weights.parent.iterdir() if not path.name.startswith(".")}


def published() -> dict[str, str]:
    return {**dict.fromkeys(FILES, "new"), "reference.json": "nobody's"}


def killed_at(call: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """End at one of the changes of files that follow, before it is made."""
    counted = iter(range(1000))

    def counting(plain):
        def change(*arguments, **options):
            if next(counted) == call:
                raise KilledError
            return plain(*arguments, **options)

        return change

    for owner, name in ((os, "replace"), (Path, "unlink"), (shutil, "rmtree"), (shutil, "copyfile")):
        monkeypatch.setattr(owner, name, counting(getattr(owner, name)))


def test_a_training_takes_its_place(weights: Path) -> None:
    before = settled(weights)
    publish(weights)
    assert content(weights) == published()
    assert settled(weights) == settled(weights) != before


@pytest.mark.parametrize("call", range(16))
def test_a_kill_at_any_moment(weights: Path, monkeypatch: pytest.MonkeyPatch, call: int) -> None:
    with monkeypatch.context() as patched:
        killed_at(call, patched)
        try:
            publish(weights)
        except KilledError:
            killed = True
        else:
            killed = False
    seen = {name: (weights.parent / name).read_text() for name in FILES if (weights.parent / name).is_file()}
    assert "model.pt" not in seen or len(set(seen.values())) == 1  # what a process sees that knows nothing of this
    assert killed or call > 12
    assert call < 15 or not killed
    settled(weights)
    if call > 1:  # the training was renamed: it counts
        assert content(weights) == published()
    else:
        assert set(seen.values()) == {"old"}


def test_settings_that_a_new_training_does_not_have_go(weights: Path) -> None:
    (weights.parent / publication.ATTEMPT / "model.json").unlink()
    publish(weights)
    assert not weights.with_suffix(".json").exists()


def test_pending_weights_count(weights: Path) -> None:
    os.replace(weights.parent / publication.ATTEMPT, weights.parent / publication.PUBLISHED)
    weights.unlink()
    assert is_pending(weights)
    finish(weights)
    assert not is_pending(weights)
    assert weights.read_text() == "new"


def test_one_training_at_a_time_and_a_killed_one_lets_go(weights: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from monai_harmonize.label_app.publication import training_alone\n"
        "with training_alone(Path(sys.argv[1])): print('there', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(weights)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "there\n"
        with pytest.raises(InputError, match="another training of it is running"), training_alone(weights):
            pass
        other.kill()
        other.wait()
    (weights.parent / publication.ATTEMPT).mkdir(exist_ok=True)
    (weights.parent / publication.ATTEMPT / "resume.pt").write_text("of the killed one")
    with training_alone(weights) as attempt:
        assert not attempt.exists()
    assert content(weights)["model.pt"] == "old"
