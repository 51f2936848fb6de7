"""What is kept of an executed notebook: small pictures, no paths of the machine, and a stamp of its code."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from typing import Any

from PIL import Image

__all__ = ["STAMP", "code_digest", "tidy"]

# Name of the stamp in the notebook's metadata.
STAMP = "monai_harmonize"
# A page shows no more of a radiograph; more than half of the bytes go.
COLOURS, WIDEST = 64, 720
# Lines for a live terminal: bars, and tqdm's advice on how to draw them in a notebook.
PROGRESS = re.compile(r"\d+%\||it/s\]|IProgress not found")
# What the last line of a cell returned and nobody wanted to see.
OBJECT = re.compile(r"<.* at 0x[0-9a-f]+>")
TERMINAL_STYLE = re.compile(r"\x1b\[[0-9;]*m")
Notebook = dict[str, Any]


def code_digest(notebook: Notebook) -> str:
    """SHA-256 of the sources of all code cells, in their order: two notebooks with one digest do the same."""
    digest = hashlib.sha256()
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            digest.update("".join(cell["source"]).encode() + b"\0")
    return digest.hexdigest()


def tidy(notebook: Notebook, names: Mapping[str, str], stamp: Mapping[str, Any]) -> None:
    """Shrink pictures, drop progress bars, replace paths and leave the stamp, in place.

    Args:
        notebook: executed.
        names: what is written instead of each path of this machine, the longest ones first.
        stamp: further entries of the stamp beside the digest of the code.
    """
    for cell in notebook["cells"]:
        cell["metadata"] = {}
        if cell["cell_type"] == "code":
            cell["outputs"] = [output for output in cell["outputs"] if _kept(output, names)]
    python = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook["metadata"] = {
        "kernelspec": python,
        "language_info": {"name": "python"},
        STAMP: {"code_sha256": code_digest(notebook), **stamp},
    }


def _kept(output: dict[str, Any], names: Mapping[str, str]) -> bool:
    """Tidy one output; False if nothing is left of it."""
    if output["output_type"] == "stream":
        output["text"] = _renamed("".join(_lines("".join(output["text"]))), names)
        return bool(output["text"].strip())
    data = output.get("data", {})
    if set(data) == {"text/plain"} and OBJECT.fullmatch("".join(data["text/plain"]).strip()):
        return False
    for kind, content in data.items():
        if kind == "image/png":
            data[kind] = _small(content)
        elif kind.startswith("text/"):
            data[kind] = _renamed("".join(content), names)
    return True


def _lines(text: str) -> Iterator[str]:
    """Lines without colours and progress bars; what a carriage return would overwrite is a line of its own."""
    for line in text.replace("\r", "\n").splitlines(keepends=True):
        if not PROGRESS.search(line):
            yield TERMINAL_STYLE.sub("", line)


def _renamed(text: str, names: Mapping[str, str]) -> str:
    for path, name in names.items():
        text = text.replace(path, name)
    return text


def _small(picture: str) -> str:
    with Image.open(io.BytesIO(base64.b64decode(picture))) as image:
        shown = image.convert("RGB")
    if shown.width > WIDEST:
        shown = shown.resize((WIDEST, round(shown.height * WIDEST / shown.width)), Image.Resampling.LANCZOS)
    few = shown.quantize(COLOURS, dither=Image.Dither.NONE, kmeans=1)
    file = io.BytesIO()
    few.save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()
