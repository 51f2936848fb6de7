"""Notebooks as they are committed: MONAI's cell order, outputs of exactly this code, small, nothing of a machine."""

from __future__ import annotations

import ast
import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "tutorials"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LARGEST = 300_000
FIXED = ["## Setup environment", "## Setup imports", "## Setup data directory", "## Cleanup data directory"]
# Text that names a machine or a person's folder.
MACHINE = re.compile(r"/(?:tmp|home|root|work|usr|var|Users|private|mnt|opt)/|/tmp\b|[A-Z]:\\\\")
Notebook = dict[str, Any]


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request: pytest.FixtureRequest) -> Notebook:
    """One notebook as JSON, with its path."""
    return {**json.loads(request.param.read_text()), "path": request.param}


def sources(notebook: Notebook, kind: str) -> list[str]:
    """Sources of all cells of a kind."""
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == kind]


def python(notebook: Notebook) -> ast.Module:
    """The Python code of all cells that hold nothing else, without line magics."""
    cells = [code for code in sources(notebook, "code") if not code.startswith("%%")]
    return ast.parse("\n".join(line for code in cells for line in code.splitlines() if not line.startswith(("!", "%"))))


def test_all_seven_are_there() -> None:
    assert [path.name[:2] for path in NOTEBOOKS] == [f"{number:02d}" for number in range(1, len(NOTEBOOKS) + 1)]
    assert len(NOTEBOOKS) == 7


def test_cells_have_the_order_of_monai(notebook: Notebook) -> None:
    words = sources(notebook, "markdown")
    assert words[0].startswith("Copyright (c) monai_harmonize contributors")
    assert "Apache License, Version 2.0" in words[0]
    assert words[1].startswith("# ")
    headings = [line for text in words for line in text.splitlines() if line in FIXED]
    assert headings == FIXED
    assert words[2] == FIXED[0]
    assert words[-1].startswith(FIXED[-1])
    assert [cell["cell_type"] for cell in notebook["cells"][:7]] == ["markdown"] * 3 + ["code", "markdown"] * 2
    code = sources(notebook, "code")
    assert code[0].startswith('!python -c "import monai_harmonize" || pip install')
    assert code[1].rstrip().endswith("print_config()")
    assert "MONAI_DATA_DIRECTORY" in code[2]
    assert "shutil.rmtree" in code[-1]


def test_outputs_are_of_exactly_this_code(notebook: Notebook, tidy: Any) -> None:
    assert notebook["metadata"][tidy.STAMP]["code_sha256"] == tidy.code_digest(notebook)
    counts = [cell["execution_count"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert counts == list(range(1, len(counts) + 1))
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    assert outputs
    assert all(output["output_type"] != "error" for output in outputs)


def test_is_small_and_shows_pictures(notebook: Notebook) -> None:
    assert notebook["path"].stat().st_size <= LARGEST
    kinds = {kind for cell in notebook["cells"] for out in cell.get("outputs", []) for kind in out.get("data", {})}
    assert "image/png" in kinds


def test_says_nothing_of_the_machine_it_ran_on(notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        assert cell["metadata"] == {}
        for output in cell.get("outputs", []):
            texts = [output.get("text", []), *(text for kind, text in output.get("data", {}).items() if "text" in kind)]
            for text in texts:
                assert not MACHINE.search("".join(text)), "".join(text)
    assert set(notebook["metadata"]) == {"kernelspec", "language_info", "monai_harmonize"}
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"


def test_uses_public_names_only(notebook: Notebook) -> None:
    imported = [node for node in ast.walk(python(notebook)) if isinstance(node, ast.ImportFrom)]
    ours = [node for node in imported if str(node.module).startswith("monai_harmonize")]
    assert ours or "monai-harmonize" in "".join(sources(notebook, "code"))
    for node in ours:
        module = importlib.import_module(str(node.module))
        public = getattr(module, "__all__", [name for name in vars(module) if not name.startswith("_")])
        assert {alias.name for alias in node.names} <= set(public)


def test_commands_stand_where_their_failure_counts(notebook: Notebook) -> None:
    """IPython goes on after a line with ``!``; the first cell's names what to do instead."""
    lines = [line for code in sources(notebook, "code") for line in code.splitlines() if line.startswith("!")]
    assert len(lines) == 1


def test_checks_itself(notebook: Notebook) -> None:
    checks = [node for node in ast.walk(python(notebook)) if isinstance(node, ast.Assert)]
    assert len(checks) >= 3
    assert not [node for node in checks if isinstance(node.test, ast.Constant)]


def test_is_on_the_page_that_leads_through(notebook: Notebook) -> None:
    assert f"({notebook['path'].name})" in (FOLDER / "README.md").read_text()
