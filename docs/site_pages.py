"""Pages of the site that stand elsewhere in the repository: model cards, the reference, and READMEs of folders.

Links are written for the repository; on the way to the site they are turned to the pages that their targets become.
"""

from __future__ import annotations

import ast
import json
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
# Rooms from images to the evaluation; commands have a page of their own.
ROOMS = (
    "data",
    "phantoms",
    "transforms",
    "networks",
    "losses",
    "objectives",
    "metrics",
    "inferers",
    "engines",
    "safety",
    "evaluation",
)
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)#\s]+)(#[^)\s]*)?\)")
CODE = re.compile(r"(```.*?```)", re.DOTALL)


def pages() -> dict[str, str]:
    """Page of the site for each page of the repository."""
    found = {"README.md": "index.md", "CHANGELOG.md": "changelog.md"}
    found |= {f"docs/{path.name}": path.name for path in (ROOT / "docs").glob("*.md")}
    found |= {f"{path.parent.name}/README.md": f"{path.parent.name}.md" for path in ROOT.glob("[!.]*/README.md")}
    return found | {f"bundles/{name}/docs/README.md": f"bundles/{name}.md" for name in bundles()}


def bundles() -> list[str]:
    """Names of the bundles."""
    return sorted(path.parents[1].name for path in ROOT.glob("bundles/*/configs/metadata.json"))


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages and show them in the navigation."""
    made = {site: (ROOT / source).read_text(encoding="utf-8") for source, site in pages().items()}
    made = {site: text for site, text in made.items() if files.get_file_from_path(site) is None}
    for name in bundles():
        made[f"bundles/{name}.md"] += card(name)
    made["bundles/index.md"] = overview()
    made |= {f"reference/{room}.md": reference(room) for room in ROOMS}
    for site, text in made.items():
        files.append(File.generated(config, site, content=text))
    for picture in sorted(ROOT.glob("tutorials/images/*")):
        place = picture.relative_to(ROOT).as_posix()
        files.append(File.generated(config, place, abs_src_path=str(picture)))
    for entry in config.nav or []:
        if "Bundles" in entry:
            entry["Bundles"] = ["bundles/index.md", *({name: f"bundles/{name}.md"} for name in bundles())]
        if "Reference" in entry:
            entry["Reference"] = [{room: f"reference/{room}.md"} for room in ROOMS]
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Turn links of the repository into links of the site; what the site does not show keeps its words."""
    sources = {site: source for source, site in pages().items()}
    source = sources.get(page.file.src_uri)
    if source is None:
        return markdown

    def turned(match: re.Match[str]) -> str:
        image, words, target, anchor = match.groups()
        if "://" in target or target.startswith("mailto:"):
            return match[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        site = pages().get(path, path.removeprefix("docs/"))
        if files.get_file_from_path(site) is None:
            return words
        return f"{image}[{words}]({posixpath.relpath(site, posixpath.dirname(page.file.src_uri) or '.')}{anchor or ''})"

    parts = CODE.split(markdown)
    return "".join(part if place % 2 else LINK.sub(turned, part) for place, part in enumerate(parts))


def metadata(name: str) -> dict[str, Any]:
    """A bundle's metadata."""
    content: dict[str, Any] = json.loads((ROOT / "bundles" / name / "configs" / "metadata.json").read_text())
    return content


def card(name: str) -> str:
    """What a bundle's metadata say, as the end of its page."""
    content = metadata(name)
    image, pred = content["network_data_format"]["inputs"]["image"], content["network_data_format"]["outputs"]["pred"]
    required = ", ".join(f"{package} {version}" for package, version in content["required_packages_version"].items())
    # Codes without bounds have none.
    levels = " to ".join(map(str, image["value_range"])) or "any numbers"
    rows = {
        "Task": content["task"],
        "Guarantee class": content.get("guarantee_class", "does not change images"),
        "Intended use": content["intended_use"],
        "Input": content["image_classes"],
        "Output": content["pred_classes"],
        "Network": f"{image['num_channels']} channel, {image['type']} of {image['modality']}, "
        f"{levels}, to {pred['num_channels']} channel, {pred['type']}",
        "Data": content["data_source"],
        "Files": content["data_type"],
        "Version": content["version"],
        "Made with": f"MONAI {content['monai_version']}, PyTorch {content['pytorch_version']}, {required}",
        "Copyright": content["copyright"],
    }
    table = "\n".join(f"| {title} | {value} |" for title, value in rows.items())
    changes = "\n".join(f"- **{version}** {change}" for version, change in content["changelog"].items())
    papers = "\n".join(f"- {reference}" for reference in content["references"])
    return f"\n\n## Model card\n\n| | |\n|---|---|\n{table}\n\n## References\n\n{papers}\n\n## Versions\n\n{changes}\n"


def overview() -> str:
    """All bundles in a table."""
    rows = (
        f"| [{name}]({name}.md) | {content['task']} | {content.get('guarantee_class', '')} | {content['version']} |"
        for name, content in ((name, metadata(name)) for name in bundles())
    )
    return "# Bundles\n\n| bundle | task | class | version |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"


def reference(room: str) -> str:
    """The public names of a room."""
    init = ROOT / "monai_harmonize" / room / "__init__.py"
    tree = ast.parse(init.read_text(encoding="utf-8"))
    title = f"# `monai_harmonize.{room}`\n\n{ast.get_docstring(tree)}\n\n"
    return title + "\n".join(f"::: {place}.{name}\n" for place, name in public_names(tree))


def public_names(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Module and name of everything that a room shows; of twins such as ``Xd``, ``XD`` and ``XDict`` the first."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, alias.name) for alias in node.names if not alias.name.endswith(("D", "Dict")))
