"""A spec as a whole: every section bound, every problem found at once.

The bodies of `productivity` and `models` stay nodes here: the floor above binds each against the options of
the method or design that it names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from pydantic import Field

from specs.advice import Silence, parse_silences
from specs.bind import bind, unknown_key
from specs.errors import Position, Problem, did_you_mean
from specs.expressions import Expression, order_variables
from specs.fields import ExpressionField, OptionsModel, Wording, as_written
from specs.files import FileSet
from specs.formats import VERSION, missing_format, wrong_format
from specs.grids import parse_variants
from specs.linking import LinkSpec
from specs.panel import PanelSpec
from specs.sections import DESCRIPTIVES, NOT_OF_DIAGNOSTICS, DisclosureSpec, FigureSpec, TableSpec, default_decimals
from specs.tokens import is_name
from specs.tree import Entry, Node, as_list, find, plain
from specs.variants import VariantSpec

__all__ = ["KEYS", "Head", "SpecModel", "parse_spec"]

KEYS = (
    "tfplab", "extends", "title", "source", "seed", "panel", "variables", "productivity", "models", "variants",
    "tables", "figures", "labels", "disclosure", "advice",
)  # fmt: skip
MAX_NAME = 100
RESERVED_COLUMNS = ("firm", "year")
M = TypeVar("M", bound=OptionsModel)


class Head(OptionsModel):
    """The keys of a spec that have no keys below them."""

    tfplab: Literal[1]
    title: Wording = ""
    source: Wording = ""
    seed: int = Field(1, ge=0, le=2**32 - 1)


class _Variable(OptionsModel):
    expression: ExpressionField


@dataclass(frozen=True, slots=True)
class SpecModel:
    """A spec as written, its defaults filled in.

    Attributes
    ----------
    root : Node
        The whole tree, for positions.
    title, source : str, or dict of language to str
    seed : int
    panel : PanelSpec or None
        None where it has a problem.
    variables : dict of str to Expression
        In the order in which they can be computed; those of a circle left out.
    productivity, models : dict of str to Entry
        As written, `like` not resolved.
    tables : dict of str to TableSpec
        One table of all models (and, without any, of all productivity entries) where none is declared.
    figures : dict of str to FigureSpec
    labels : dict of str to dict of str to str
        Column, then language.
    disclosure : DisclosureSpec
    variants : dict of str to VariantSpec
    advice : dict of str to Silence
        By code: advice that the spec answers.
    """

    root: Node
    title: str | dict[str, str] = ""
    source: str | dict[str, str] = ""
    seed: int = 1
    panel: PanelSpec | None = None
    variables: dict[str, Expression] = field(default_factory=dict)
    productivity: dict[str, Entry] = field(default_factory=dict)
    models: dict[str, Entry] = field(default_factory=dict)
    tables: dict[str, TableSpec] = field(default_factory=dict)
    figures: dict[str, FigureSpec] = field(default_factory=dict)
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    disclosure: DisclosureSpec = field(default_factory=DisclosureSpec)
    variants: dict[str, VariantSpec] = field(default_factory=dict)
    advice: dict[str, Silence] = field(default_factory=dict)

    def written(self, productivity: Mapping[str, object], models: Mapping[str, object]) -> dict[str, Any]:
        """Return the spec as resolved, every default in it: what ``spec.yaml`` holds and the digest is of.

        Parameters
        ----------
        productivity, models : mapping of str to object
            The entries as bound, in plain values.
        """
        resolved: dict[str, Any] = {
            "tfplab": VERSION,
            "title": self.title,
            "source": self.source,
            "seed": self.seed,
        }
        if self.panel is not None:
            resolved["panel"] = self.panel.model_dump(mode="json", exclude_none=True)
        resolved["variables"] = {name: str(expression) for name, expression in self.variables.items()}
        resolved["productivity"], resolved["models"] = dict(productivity), dict(models)
        resolved["variants"] = {name: {"rows": one.rows, **as_list(one.node)} for name, one in self.variants.items()}
        for name, section in (("tables", self.tables), ("figures", self.figures)):
            resolved[name] = {key: one.model_dump(mode="json", exclude_none=True) for key, one in section.items()}
        for name, table in resolved["tables"].items():
            table["models"] = table["models"] or list(productivity if table["kind"] == "diagnostics" else models)
            designs = [getattr(models.get(one), "get", lambda _: None)("design") for one in table["models"]]
            table.setdefault("decimals", default_decimals(table["p_values"], designs))
            if not table["models"]:
                del table["models"]
            if table["kind"] == "diagnostics":
                for key in NOT_OF_DIAGNOSTICS:
                    del table[key]
            # A default stands where it would if it were written: the resolved spec gives the same record.
            resolved["tables"][name] = {key: table[key] for key in TableSpec.model_fields if key in table}
        resolved["labels"] = {column: dict(texts) for column, texts in self.labels.items()}
        resolved["disclosure"] = self.disclosure.model_dump(mode="json")
        resolved["advice"] = {code: one.written for code, one in self.advice.items()}
        return {key: value for key, value in resolved.items() if value not in ({}, "")}


def parse_spec(root: Node) -> tuple[SpecModel, tuple[Problem, ...]]:
    """Bind the sections of a spec.

    Parameters
    ----------
    root : Node
        The map at the top of the file.

    Returns
    -------
    spec : SpecModel
        What could be understood; sections with a problem are left out.
    problems : tuple of Problem
    """
    parser = _Parser(root)
    spec = parser.spec()
    return spec, tuple(parser.problems)


class _Parser:
    def __init__(self, root: Node) -> None:
        self.root = root
        self.problems: list[Problem] = []

    def spec(self) -> SpecModel:
        for key, entry in self.root.entries.items():
            if key not in KEYS:
                self.problems.append(Problem(entry.key_position, "", *unknown_key(key, KEYS)))
        head = self._head()
        productivity, models = self._section("productivity"), self._section("models")
        variables = self._variables(productivity)
        for name in productivity.keys() & models.keys():
            self._problem(
                models[name].key_position,
                f"models.{name}",
                f'"{name}" is a productivity entry too',
                "tables name both",
                "give one another name",
            )
        written, names = self._section("variants"), {*models, *productivity}
        for name in written:
            if name in names:
                what = f'"{name}" is a model or a productivity entry too'
                self._problem(written[name].key_position, f"variants.{name}", what, "tables name them all",
                              "give one another name")  # fmt: skip
        variants, wrong = parse_variants(written, models, productivity, self._entries("variables"))
        self.problems += wrong
        tables = self._bound("tables", TableSpec)
        for name, entry in self._entries("tables").items():
            kind = entry.node.entries.get("kind")
            diagnostics = kind is not None and kind.node.value == "diagnostics"
            known, what = ((*models, *written, *productivity), "model, variant or productivity entry")
            if diagnostics:
                known, what = tuple(productivity), "productivity entry"
            self._known_models(name, entry.node, known, what)
        return SpecModel(
            root=self.root,
            title=head.title if head else "",
            source=head.source if head else "",
            seed=head.seed if head else 1,
            panel=self._panel(),
            variables=variables,
            productivity=productivity,
            models=models,
            tables=tables if "tables" in self.root.entries else _one_table(models, productivity, variants),
            figures=self._bound("figures", FigureSpec),
            labels=self._labels(),
            disclosure=self._disclosure(),
            variants=variants,
            advice=self._advice((*productivity, *models)),
        )

    def _problem(self, place: Position, path: str, what: str, meaning: str = "", advice: str = "") -> None:
        self.problems.append(Problem(place, path, what, meaning, advice))

    def _bind(self, model: type[M], node: Node, path: str, at: Position | None) -> M | None:
        bound, problems = bind(model, node, path, at)
        self.problems.extend(problems)
        return bound

    def _head(self) -> Head | None:
        wrong = wrong_format(self.root)
        if "tfplab" not in self.root.entries:
            wrong = missing_format(self.root.position)
        if wrong is not None:
            self.problems.append(wrong)
        position = self.root.position
        entries = {key: one for key, one in self.root.entries.items() if key in ("title", "source", "seed")}
        entries["tfplab"] = Entry(position, Node(position, VERSION))
        return self._bind(Head, Node(position, entries), "", None)

    def _panel(self) -> PanelSpec | None:
        entry = self.root.entries.get("panel")
        if entry is None:
            self._problem(
                self.root.position,
                "",
                'the key "panel" is missing',
                "it names the data",
                "write panel: {table: {files: panel.csv}}",
            )
            return None
        panel = self._bind(PanelSpec, entry.node, "panel", entry.key_position)
        if panel is None:
            return None
        update: dict[str, object] = {}
        for name in ("accounts", "survey", "table"):
            source, node = getattr(panel, name), find(entry.node, (name, "files"))
            if source is not None and node is not None:
                update[name] = source.model_copy(update={"files": source.files.located(node)})
        deflators = find(entry.node, ("deflators",))
        if isinstance(panel.deflators, FileSet) and deflators is not None:
            update["deflators"] = panel.deflators.located(deflators)
        bridge, node = panel.link.bridge if panel.link else None, find(entry.node, ("link", "bridge", "files"))
        if panel.link is not None and bridge is not None and node is not None:
            located = bridge.model_copy(update={"files": bridge.files.located(node)})
            update["link"] = panel.link.model_copy(update={"bridge": located})
        if panel.survey is not None and panel.link is None:
            update["link"] = LinkSpec()
        if panel.table is not None:
            update |= {"firm": panel.firm or "firm", "year": panel.year or "year"}
        return panel.model_copy(update=update)

    def _disclosure(self) -> DisclosureSpec:
        entry = self.root.entries.get("disclosure")
        if entry is None:
            return DisclosureSpec()
        return self._bind(DisclosureSpec, entry.node, "disclosure", entry.key_position) or DisclosureSpec()

    def _advice(self, names: tuple[str, ...]) -> dict[str, Silence]:
        found, problems = parse_silences(self.root.entries.get("advice"), names)
        self.problems.extend(problems)
        return found

    def _entries(self, key: str) -> dict[str, Entry]:
        section = self.root.entries.get(key)
        return section.node.entries if section else {}

    def _section(self, key: str) -> dict[str, Entry]:
        """Return the entries of a section whose keys are names of the user's own."""
        entry = self.root.entries.get(key)
        if entry is None:
            return {}
        if not isinstance(entry.node.value, dict):
            what = f"names are wanted, not {as_written(plain(entry.node))}"
            place = entry.key_position if entry.node.value is None else entry.node.position
            self._problem(place, key, what, "", "write one name a line, indented, with a colon behind it")
            return {}
        for name, one in entry.node.value.items():
            self._check_id(name, f"{key}.{name}", one.key_position)
        return entry.node.value

    def _check_id(self, name: str, path: str, place: Position) -> None:
        if not is_name(name) or "." in name:
            self._problem(
                place,
                path,
                f'"{name}" cannot be a name',
                "a name begins with a letter and goes on with letters, digits and _",
            )
        elif len(name) > MAX_NAME:
            what = f"a name of {len(name)} characters"
            self._problem(place, path, what, "files are named after it", f"take at most {MAX_NAME}")
        elif name in RESERVED_COLUMNS and path.split(".", maxsplit=1)[0] in ("variables", "productivity"):
            self._problem(place, path, f'"{name}" is a key of the panel', "", "take another name")

    def _variables(self, productivity: Iterable[str]) -> dict[str, Expression]:
        found: dict[str, Expression] = {}
        section = self._section("variables")
        for name, entry in section.items():
            if name in productivity:
                self._problem(
                    entry.key_position,
                    f"variables.{name}",
                    f'"{name}" is a productivity entry too',
                    "both make a column",
                    "give one another name",
                )
            body = Node(entry.node.position, {"expression": Entry(entry.key_position, entry.node)})
            bound, problems = bind(_Variable, body, "", entry.key_position)
            for one in problems:
                self._problem(one.position, f"variables.{name}", one.what, one.meaning, one.advice)
            if bound is not None:
                found[name] = bound.expression
        ordered, circles = order_variables(found)
        for circle in circles:
            name = min(circle, key=list(section).index)
            at = circle.index(name)
            chain = " -> ".join([*circle[at:], *circle[:at], name])
            what = "a variable cannot be made of itself" if len(circle) == 1 else "a circle"
            self._problem(section[name].key_position, f"variables.{name}", what, chain if len(circle) > 1 else "")
        return {name: found[name] for name in ordered}

    def _bound(self, key: str, model: type[M]) -> dict[str, M]:
        found: dict[str, M] = {}
        for name, entry in self._section(key).items():
            bound = self._bind(model, entry.node, f"{key}.{name}", entry.key_position)
            if bound is not None:
                found[name] = bound
        return found

    def _known_models(self, name: str, table: Node, estimated: tuple[str, ...], kind: str) -> None:
        """Check the names that a table gives, whether or not the table has another problem."""
        path = f"tables.{name}"
        named = table.entries.get("models")
        models = (named.node.items or (named.node,)) if named else ()
        for node in models:
            if isinstance(node.value, str) and node.value not in estimated:
                there_are = f"there are: {', '.join(estimated)}" if estimated else ""
                advice = did_you_mean(node.value, estimated) or there_are
                what = f'no {kind} "{node.value}"'
                self._problem(node.position, f"{path}.models", what, "", advice)
        headings = table.entries.get("headings")
        columns = tuple(node.value for node in models if isinstance(node.value, str)) or estimated
        for column, entry in headings.node.entries.items() if headings else ():
            if column not in columns:
                what = f'"{column}" is no column of this table'
                self._problem(entry.key_position, f"{path}.headings", what, "", did_you_mean(column, columns))

    def _labels(self) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        entry = self.root.entries.get("labels")
        if entry is None:
            return found
        if not isinstance(entry.node.value, dict):
            self._problem(
                entry.key_position if entry.node.value is None else entry.node.position,
                "labels",
                f"columns are wanted, not {as_written(plain(entry.node))}",
                "",
                "write labels: {ai: {en: Uses AI}}",
            )
            return found
        for column, one in entry.node.value.items():
            if not isinstance(one.node.value, dict):
                text = plain(one.node)
                advice = f"write {{en: {text}}}" if isinstance(text, str) else "write {en: Uses AI}"
                self._problem(
                    one.key_position if one.node.value is None else one.node.position,
                    f"labels.{column}",
                    f"languages are wanted, not {as_written(text)}",
                    "",
                    advice,
                )
                continue
            found[column] = {}
            for language, label in one.node.value.items():
                text = label.node.value
                if isinstance(text, str):
                    found[column][language] = text
                else:
                    advice = f"quote it: '{as_written(text)}'" if isinstance(text, (int, float)) else ""
                    self._problem(
                        label.key_position if text is None else label.node.position,
                        f"labels.{column}.{language}",
                        f"text is wanted, not {as_written(plain(label.node))}",
                        "",
                        advice,
                    )
        return found


def _one_table(
    models: Mapping[str, Entry], productivity: Mapping[str, Entry], variants: Collection[str]
) -> dict[str, TableSpec]:
    """Return the table that a spec has which declares none; descriptive statistics and variants have one each."""
    named = [name for name in models if name]  # one without a name has a problem of its own
    designs = _designs(models)
    own = {name: None for name in named if designs[name] == DESCRIPTIVES}
    shown = tuple(name for name in named if name not in own) or (() if own else tuple(filter(None, productivity)))
    found = {name: TableSpec(models=(name,)) for name in own}
    if shown:
        found["models" if named else "productivity"] = TableSpec(models=shown)
    cases = [name for name in variants if name]
    return found | {f"{name}_cases" if name in found else name: TableSpec(models=(name,)) for name in cases}


def _designs(models: Mapping[str, Entry]) -> dict[str, object]:
    """Return the design of each model as written, its own or that of the model that it is like; None for none."""
    found: dict[str, object] = {}
    for first in models:
        way: dict[str, None] = {}
        name, design = first, None
        while name in models and name not in way:
            if name in found:
                design = found[name]
                break
            way[name] = None
            entries = models[name].node.entries
            if "design" in entries:
                design = entries["design"].node.value
                break
            like = entries["like"].node.value if "like" in entries else None
            name = like if isinstance(like, str) else ""
        found |= dict.fromkeys(way, design)
    return found
