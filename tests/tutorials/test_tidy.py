"""What is kept of an executed notebook."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from PIL import Image


def executed(*outputs: dict[str, Any], source: str = "1 + 1") -> dict[str, Any]:
    """A notebook of one executed cell."""
    cell = {"cell_type": "code", "source": source, "metadata": {"execution": "now"}, "outputs": list(outputs)}
    return {"cells": [cell], "metadata": {"widgets": {}}}


def test_digest_is_of_code_alone(tidy: Any) -> None:
    first = executed()
    commented = {"cells": [{"cell_type": "markdown", "source": "words"}, *first["cells"]]}
    assert tidy.code_digest(first) == tidy.code_digest(commented)
    assert tidy.code_digest(first) == tidy.code_digest(executed(source=["1 ", "+ 1"]))
    assert tidy.code_digest(first) != tidy.code_digest(executed(source="1 + 2"))
    apart = {"cells": [*executed(source="1")["cells"], *executed(source=" + 1")["cells"]]}
    assert tidy.code_digest(first) != tidy.code_digest(apart)


def test_paths_become_names_and_bars_go(tidy: Any) -> None:
    text = "saved /a/b/c/model.pt\n\rtest: 10%|# | 1/9\rtest: 90%|##| 8/9\n\x1b[1mdone\x1b[0m in /a/b\n"
    table = {"output_type": "execute_result", "data": {"text/html": ["<b>/a/b/c/x</b>"]}}
    notebook = executed({"output_type": "stream", "name": "stdout", "text": text}, table)
    tidy.tidy(notebook, {"/a/b/c": "DATA", "/a/b": "HOME"}, {"seconds": 3})
    stream, shown = notebook["cells"][0]["outputs"]
    assert stream["text"].split() == ["saved", "DATA/model.pt", "done", "in", "HOME"]
    assert shown["data"]["text/html"] == "<b>DATA/x</b>"
    assert notebook["cells"][0]["metadata"] == {}
    assert set(notebook["metadata"]) == {"kernelspec", "language_info", tidy.STAMP}
    assert notebook["metadata"][tidy.STAMP] == {"code_sha256": tidy.code_digest(notebook), "seconds": 3}


def test_stream_of_nothing_but_bars_is_dropped(tidy: Any) -> None:
    notebook = executed({"output_type": "stream", "name": "stderr", "text": "10%|# | 1/9\r100%|##| 9/9\n"})
    tidy.tidy(notebook, {}, {})
    assert notebook["cells"][0]["outputs"] == []


def test_addresses_of_objects_are_dropped_and_values_stay(tidy: Any) -> None:
    values = ("<matplotlib.legend.Legend at 0x7fafcd5e57d0>", "<b>", "875")
    notebook = executed(*({"output_type": "execute_result", "data": {"text/plain": [value]}} for value in values))
    tidy.tidy(notebook, {}, {})
    shown = [output["data"]["text/plain"] for output in notebook["cells"][0]["outputs"]]
    assert shown == ["<b>", "875"]


def test_pictures_shrink_and_stay_alike(tidy: Any) -> None:
    grey = np.random.default_rng(0).normal(128, 30, (64, 64)).clip(0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(grey).convert("RGBA").save(file, "PNG")
    picture = {"output_type": "display_data", "data": {"image/png": base64.b64encode(file.getvalue()).decode()}}
    notebook = executed(picture)
    tidy.tidy(notebook, {}, {})
    small = base64.b64decode(notebook["cells"][0]["outputs"][0]["data"]["image/png"])
    assert len(small) < 0.8 * len(file.getvalue())
    with Image.open(io.BytesIO(small)) as image:
        shown = np.asarray(image.convert("L"), dtype=float)
    assert np.abs(shown - grey).mean() < 4


def test_wide_pictures_become_narrower(tidy: Any) -> None:
    file = io.BytesIO()
    Image.new("RGB", (2 * tidy.WIDEST, 100), "orange").save(file, "PNG")
    picture = {"output_type": "display_data", "data": {"image/png": base64.b64encode(file.getvalue()).decode()}}
    notebook = executed(picture)
    tidy.tidy(notebook, {}, {})
    with Image.open(io.BytesIO(base64.b64decode(notebook["cells"][0]["outputs"][0]["data"]["image/png"]))) as image:
        assert image.size == (tidy.WIDEST, 50)
        assert image.convert("RGB").getpixel((0, 0)) == (255, 165, 0)
