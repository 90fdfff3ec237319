"""The docs as a site: it is built without a warning, every link leads somewhere, and nothing is asked of a network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import tfplab

ROOT = Path(__file__).parents[2]


class Page(HTMLParser):
    """The links, the resources and the anchors of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.resources: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {key: value for key, value in attrs if value is not None}
        self.anchors |= {found[key] for key in ("id", "name") if key in found}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif tag in ("link", "script", "img", "iframe", "source"):
            self.resources += [found[key] for key in ("href", "src") if key in found]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for name in ("sphinx", "myst_parser", "furo"):
        pytest.importorskip(name, reason=f"{name} is missing: make test installs it")
    folder = tmp_path_factory.mktemp("site")
    output = folder / "site"
    words = ["--quiet", "--fail-on-warning", "--keep-going", "-c", "docs", "-d", str(folder / "trees")]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *words, ".", str(output)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.returncode == 0
    return output


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in sorted(site.rglob("*.html"))}


def test_every_page_of_the_docs_is_there(site: Path) -> None:
    wanted = {path.relative_to(ROOT).with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    wanted |= {Path("index.html"), Path("README.html"), Path("CHANGELOG.html"), Path("search.html")}
    assert {one for one in wanted if not (site / one).is_file()} == set()
    assert (site / "searchindex.js").stat().st_size > 10_000


def test_every_link_leads_somewhere(pages: dict[Path, Page]) -> None:
    broken = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme in ("http", "https", "mailto"):
                continue
            there = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not there.exists() or (
                parts.fragment and there in pages and unquote(parts.fragment) not in pages[there].anchors
            ):
                broken.append(f"{path.name}: {link}")
    assert broken == []


def test_nothing_is_asked_of_a_network(site: Path, pages: dict[Path, Page]) -> None:
    asked = {one for page in pages.values() for one in page.resources if urlsplit(one).netloc}
    assert asked == set()
    for style in site.rglob("*.css"):
        assert not re.search(r"(?:@import|url\()\s*['\"]?(?:https?:)?//", style.read_text(encoding="utf-8")), style
    assert not [page for page in site.rglob("*.html") if str(ROOT) in page.read_text(encoding="utf-8")]


def test_the_navigation_has_every_page(site: Path, pages: dict[Path, Page]) -> None:
    links = {unquote(one.partition("#")[0]) for one in pages[site / "index.html"].links}
    for path in (ROOT / "docs").rglob("*.md"):
        assert str(path.relative_to(ROOT).with_suffix(".html")) in links


def test_the_reference_has_every_public_name(pages: dict[Path, Page], site: Path) -> None:
    anchors = pages[site / "docs" / "python.html"].anchors
    names = {f"tfplab.{name}" for name in tfplab.__all__ if name != "__version__"}
    assert names <= anchors
    assert {"tfplab.Spec.set", "tfplab.Run.table", "tfplab.Run.figures", "tfplab.Spec.write"} <= anchors
