"""The site of the docs: `make docs` writes it to ./site, pages that need no network."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from pygments.lexers.special import TextLexer  # noqa: E402

import tfplab  # noqa: E402

project = "tfplab"
author = project_copyright = "the authors of tfplab"
release = version = tfplab.__version__
html_title = f"tfplab {release}"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
# The pages stand where they stand in the repository, so that its links are those of the site.
root_doc = "README"
include_patterns = ["README.md", "CHANGELOG.md", "docs/**"]
exclude_patterns = [
    ".*", "site", "demo", "wheelhouse", "specs", "panels", "estimation", "reports", "tfplab", "tests", "benchmarks",
    "node_modules", "**.py",
]  # fmt: skip
myst_heading_anchors = 6
highlight_language = "text"
autodoc_typehints = "none"  # the docstrings name types and units
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_rtype = False

html_theme = "furo"
html_show_sourcelink = False
html_copy_source = False
html_show_copyright = False
html_theme_options = {"footer_icons": []}
html_static_path = ["site.css"]
html_css_files = ["site.css"]

CONTENTS = {
    "Begin": ["docs/tutorials/first_spec", "docs/tutorials/refereeing", "docs/demo", "docs/library"],
    "The language": ["docs/language", "docs/grammar", "docs/layouts", "docs/linking", "docs/explain", "docs/editor",
                     "docs/python", "docs/cache"],
    "Productivity": ["docs/estimators/README"],
    "Designs": [
        "docs/did", "docs/iv", "docs/long_difference", "docs/distribution", "docs/binary_and_quantile",
        "docs/survey_tables", "docs/comparing", "docs/bootstrap", "docs/few_clusters",
    ],
    "Behind it": ["docs/statistics", "docs/architecture", "docs/decisions", "CHANGELOG"],
}  # fmt: skip
"""The navigation: headings, and pages below them. A page that is not named here stops the build, and so does one
that is named and missing."""


NAMES_FIRST = ("Spec", "run", "Run", "Model")
"""Of the reference."""


def _contents() -> str:
    trees = [
        "\n".join(["```{toctree}", ":hidden:", ":maxdepth: 1", f":caption: {caption}", "", *pages, "```"])
        for caption, pages in CONTENTS.items()
    ]
    return "\n\n" + "\n\n".join(trees) + "\n"


def _estimators() -> str:
    names = sorted(one.stem for one in (ROOT / "docs" / "estimators").glob("*.md") if one.stem != "README")
    return "\n\n" + "\n".join(["```{toctree}", ":hidden:", "", *names, "```"]) + "\n"


def _reference() -> str:
    parts = ["\n\n## Reference\n"]
    errors = [name for name in tfplab.__all__ if name.endswith("Error")]
    others = [name for name in tfplab.__all__ if name not in (*NAMES_FIRST, *errors, "__version__")]
    for name in (*NAMES_FIRST, *others, *errors):
        one = getattr(tfplab, name)
        directive, options = ("autoclass", [":members:"]) if isinstance(one, type) else ("autofunction", [])
        parts.append("\n".join(["```{eval-rst}", f".. {directive}:: tfplab.{name}", *(f"   {o}" for o in options), "```"]))
    return "\n\n".join(parts) + "\n"


ADDED = {"README": _contents, "docs/estimators/README": _estimators, "docs/python": _reference}


def _read(app: Any, name: str, source: list[str]) -> None:
    """Add what readers of the repository have no use for: the navigation, and what docstrings say."""
    if name in ADDED:
        source[0] += ADDED[name]()


def _finished(app: Any, error: Exception | None) -> None:
    """Give the site the first page that browsers look for."""
    if error is None:
        folder = Path(app.outdir)
        first = (folder / "README.html").read_text(encoding="utf-8")
        (folder / "index.html").write_text(first, encoding="utf-8")
        # Where the pages were built is nobody's business.
        for page in folder.rglob("*.html"):
            assert str(ROOT) not in page.read_text(encoding="utf-8"), page
        assert not re.search(r'<(?:script|link|img)[^>]*(?:src|href)="https?://', first)


def setup(app: Any) -> None:
    """Connect the two, and print as it is what no lexer knows."""
    for name in ("csv", "ebnf"):
        app.add_lexer(name, TextLexer)
    app.connect("source-read", _read)
    app.connect("build-finished", _finished)
