"""The rooms of the package form one direction: a room imports only itself and the rooms before it."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "monai_harmonize"
# Order in which data flows; a pair shares a level and must not import each other.
LEVELS = [
    {"data"},
    {"phantoms"},
    {"networks"},
    {"losses", "metrics"},
    {"transforms"},
    {"inferers"},
    {"objectives"},
    {"engines"},
    {"safety"},
    {"evaluation"},
    {"label_app", "pacs"},
    {"cli"},
]
LEVEL_OF = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.stem == "cli")


def imported_rooms(path: Path) -> set[str]:
    """Rooms named by the absolute imports of a file."""
    modules: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import; write the full name"
            modules.append(node.module or "")
        elif isinstance(node, ast.Import):
            modules.extend(alias.name for alias in node.names)
    return {name.split(".")[1] for name in modules if name.startswith("monai_harmonize.")}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_upwards(path: Path) -> None:
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    for other in imported_rooms(path) - {room}:
        assert LEVEL_OF[other] < LEVEL_OF[room], f"{room} imports {other}, which lies behind it"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_one_idea_per_file(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 300
