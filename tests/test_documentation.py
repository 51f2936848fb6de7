"""The pages: links of the repository lead somewhere, and so do those of the site that is built from them."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path.relative_to(ROOT)
    for pattern in ("*.md", "docs/*.md", "bundles/*/docs/*.md", "*/README.md")
    for path in ROOT.glob(pattern)
    if not path.parent.name.startswith(".")
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Headings as the addresses that a repository's web page gives them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_of_the_repository(page: Path) -> None:
    for link in LINK.findall(CODE.sub("", (ROOT / page).read_text())):
        target = urlsplit(link)
        if not target.scheme:
            path = ROOT / page.parent / target.path if target.path else ROOT / page
            assert path.exists(), link
            assert not target.fragment or target.fragment in anchors(path), link


class Links(HTMLParser):
    """Addresses that a page names, and the anchors that it has."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.anchors: set[str] = {""}
        self.feed(page.read_text())

    def handle_starttag(self, tag: str, attrs) -> None:
        found = dict(attrs)
        self.anchors |= {found.get("id") or "", found.get("name") or ""}
        self.addresses += [found[name] for name in ("href", "src") if found.get(name)]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """Built as `make docs` builds it: a warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.slow
def test_links_of_the_site(site: Path) -> None:
    known = {page: Links(page) for page in site.rglob("*.html")}
    assert len(known) > len(PAGES)
    for page, links in known.items():
        if page.name == "404.html":
            continue
        for address in links.addresses:
            target = urlsplit(address)
            if target.scheme or target.netloc:
                continue
            path = (page.parent / unquote(target.path)).resolve() if target.path else page
            path = path / "index.html" if path.is_dir() else path
            assert path.is_file(), (page, address)
            if path.suffix == ".html":
                assert target.fragment in known[path].anchors or target.fragment.startswith("__"), (page, address)


@pytest.mark.slow
def test_nothing_of_the_site_is_fetched_from_elsewhere(site: Path) -> None:
    """Pages of a hospital's network reach no server of fonts or scripts."""
    for page in site.rglob("*.html"):
        fetched = re.findall(r"<(?:script|link|img)[^>]*(?:src|href)=\"(https?://[^\"]+)\"", page.read_text())
        assert fetched == [], page


@pytest.mark.slow
def test_every_bundle_and_room_has_a_page(site: Path) -> None:
    for metadata in ROOT.glob("bundles/*/configs/metadata.json"):
        page = site / "bundles" / metadata.parents[1].name / "index.html"
        assert "Model card" in page.read_text()
    for init in ROOT.glob("monai_harmonize/*/__init__.py"):
        room = init.parent.name
        if room not in ("cli", "label_app", "pacs"):
            assert (site / "reference" / room / "index.html").is_file(), room
    assert "tone_curve_cxr" in (site / "bundles" / "index.html").read_text()


@pytest.mark.slow
def test_notebooks_can_be_fetched_from_the_site(site: Path) -> None:
    shown = Links(site / "tutorials" / "index.html").addresses
    for notebook in ROOT.glob("tutorials/*.ipynb"):
        assert notebook.name in shown
        assert (site / "tutorials" / notebook.name).read_bytes() == notebook.read_bytes()
