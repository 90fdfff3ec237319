"""The columns that a new spec derives: logs, classes of size, productivity, and what explains it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from specs.errors import TfplabError
from tfplab.scaffold.data import Data, Usable
from tfplab.scaffold.page import Page, listed

__all__ = ["PRODUCTIVITY", "Measures"]

PRODUCTIVITY = {
    "wooldridge": "joint GMM (2009): inputs answer productivity, intermediate inputs stand for it; errors in one go",
    "wlp": "Wooldridge's equation for value added alone, just identified",
    "levinsohn_petrin": "two stages; labour's elasticity from the first",
    "ackerberg_caves_frazer": "two stages; all elasticities from the second",
    "ols": "a regression: inputs that answer productivity bias it; for comparison",
    "labour_productivity": "output per worker: nothing is estimated",
}
"""Methods that `new` knows how to fill in; the others have pages with examples."""

_NEEDS_PROXY = ("wooldridge", "wlp", "levinsohn_petrin", "ackerberg_caves_frazer")
_WORDS = {
    "ln_va": "log value added", "ln_y": "log output", "ln_l": "log labour", "ln_k": "log capital",
    "ln_m": "log intermediate inputs",
}  # fmt: skip


@dataclass
class Measures:
    """What is derived and estimated of the columns of the files.

    Attributes
    ----------
    data : Data
    variables : dict of str to (str, str)
        Expression and comment, by name.
    method : str
        Of productivity; empty where there is none.
    inputs : dict of str to str
        By ``output``, ``free``, ``state``, ``proxy``, the column.
    outcome : str
        What the design explains.
    lacking : tuple of str
        Roles that no column plays.
    """

    data: Data
    variables: dict[str, tuple[str, str]] = field(default_factory=dict)
    method: str = ""
    inputs: dict[str, str] = field(default_factory=dict)
    outcome: str = ""
    lacking: tuple[str, ...] = ()

    @staticmethod
    def of(data: Data, productivity: str = "", outcome: str = "") -> Measures:
        """Derive what the columns allow.

        Parameters
        ----------
        data : Data
        productivity : str
            A method, ``none``, or empty for the best that the columns allow.
        outcome : str
            A column that is explained instead of productivity.
        """
        found = Measures(data)
        if productivity != "none" and not (outcome and not productivity):
            found._productivity(productivity)
        if outcome:
            if outcome not in data.columns:
                known = ", ".join(list(data.columns)[:12])
                raise TfplabError(f'--outcome: no column "{outcome}" that a spec can name; there are: {known}')
            found.outcome = found.log_of(data.columns[outcome], "ln_outcome", "the log of the outcome")
        elif not found.outcome:
            numbers = [
                one for one in data.columns.values() if one.kind == "number" and not one.binary and not one.yearly
            ]
            if not numbers:
                raise TfplabError("no column of numbers can be an outcome; name one: --outcome COLUMN")
            first = data.role("value_added") or data.role("turnover") or data.role("labour") or numbers[0]
            found.outcome = found.log_of(first, "ln_y", "the log of the outcome")
        return found

    def _productivity(self, asked: str) -> None:
        data = self.data
        output, labour, capital = self._output(), data.role("labour"), data.role("capital")
        proxy = data.role("materials")
        lacking = [
            role for role, one in (("output", output), ("labour", labour), ("capital", capital), ("materials", proxy))
            if one is None
        ]  # fmt: skip
        lags = data.years[-1] > data.years[0]
        method = asked or (
            "wooldridge"
            if not lacking and lags
            else "ols"
            if not set(lacking) - {"materials"}
            else "labour_productivity"
        )
        needs = {"labour_productivity": {"output", "labour"}, "ols": {"output", "labour", "capital"}}.get(
            method, {"output", "labour", "capital", "materials"}
        )
        self.lacking = tuple(lacking)
        if needs & set(lacking):
            if asked:
                flags = " ".join(
                    f"--{'value_added' if one == 'output' else one} COLUMN" for one in lacking if one in needs
                )
                raise TfplabError(f"{asked} needs columns that no name gives away: {flags.replace('_', '-')}")
            return
        assert output is not None
        assert labour is not None
        self.method = method
        self.inputs = {"output": self.named(output), "free": self.log_of(labour, "ln_l", _WORDS["ln_l"])}
        if "capital" in needs and capital is not None:
            self.inputs["state"] = self.log_of(capital, "ln_k", _WORDS["ln_k"])
        if "materials" in needs and proxy is not None:
            self.inputs["proxy"] = self.log_of(proxy, "ln_m", _WORDS["ln_m"])
        self.outcome = self.free("lp" if method == "labour_productivity" else "tfp")

    def _output(self) -> tuple[str, Usable | None, str] | None:
        """Return the output's name as a variable, its column, and an expression where it is made of several."""
        data = self.data
        added, sold, bought = data.role("value_added"), data.role("turnover"), data.role("materials")
        if added is not None:
            return "ln_va", added, ""
        if sold is None:
            return None
        if bought is not None and data.added and not sold.logs and not bought.logs:
            return "ln_va", None, f"log({sold.name} - {bought.name})"
        return "ln_y", sold, ""

    def named(self, output: tuple[str, Usable | None, str]) -> str:
        """Return the output's column, declared where it has to be."""
        name, column, expression = output
        if column is not None:
            return self.log_of(column, name, _WORDS[name])
        name = self.free(name)
        self.variables[name] = (expression, "log value added: what was sold less what was bought for it")
        return name

    def free(self, name: str) -> str:
        """Return a name that no column of the files has."""
        taken = {*self.data.columns, *self.variables, self.data.roles.get("firm"), self.data.roles.get("year")}
        while name in taken:
            name += "_new"
        return name

    def log_of(self, column: Usable, name: str, what: str) -> str:
        """Return the column itself where it is a log (or no amount), else a variable that is its log."""
        if column.logs or column.binary or column.kind != "number":
            return column.name
        for known, (expression, _) in self.variables.items():
            if expression == f"log({column.name})":
                return known
        name = self.free(name)
        self.variables[name] = (f"log({column.name})", what)
        return name

    def controls(self) -> list[str]:
        """Return what a regression holds equal: size, age, sector, as far as there are such columns."""
        data, found = self.data, []
        size, age, sector = data.role("size"), data.role("age"), data.role("sector")
        if size is not None and size.kind == "text":
            found.append(size.name)
        elif self.heads() is not None:
            found.append(self.size())
        elif data.role("labour") is not None:
            found.append(self.log_of(data.columns[data.roles["labour"]], "ln_l", _WORDS["ln_l"]))
        if age is not None and age.kind == "number":
            found.append(age.name)
        if sector is not None:
            found.append(sector.name)
        return [one for one in dict.fromkeys(found) if one != self.outcome]

    def heads(self) -> Usable | None:
        """Return the column of persons, not a log."""
        found = [self.data.role("size"), self.data.role("labour")]
        return next((one for one in found if one is not None and one.kind == "number" and not one.logs), None)

    @property
    def first_size(self) -> str:
        """The first class of size."""
        return f"{10 if self.data.survey else 0}-19"

    def size(self) -> str:
        """Return a variable with classes of size."""
        heads = self.heads()
        assert heads is not None
        start = 10 if self.data.survey else 0
        expression = f"cut({heads.name}, [{start}, 20, 50, 250], labels=['{start}-19', '20-49', '50-249', '250+'])"
        for known, (there, _) in self.variables.items():
            if there == expression:
                return known
        name = self.free("size")
        self.variables[name] = (expression, "classes of size, closed on the left; below the first break missing")
        return name

    def write_variables(self, page: Page) -> None:
        """Write the section of variables, with what else could be taken."""
        if not self.variables:
            return
        page.gap()
        page.say("Columns made of columns; the order does not matter. The functions: docs/grammar.md.")
        page.key("variables:")
        for name, (expression, why) in self.variables.items():
            page.key(f"{name}: {expression}", why, 2)
        for role in ("value_added", "turnover", "labour", "capital", "materials"):
            rest = self.data.others.get(role, ())
            if rest and self._taken(self.data.roles.get(role, "")):
                page.say(
                    f"For {role.replace('_', ' ')} {self.data.roles[role]} was taken; there are also {', '.join(rest)}",
                    2,
                )

    def _taken(self, name: str) -> bool:
        """Return whether a column is in use: itself, or in a variable."""
        parts = [part for expression, _ in self.variables.values() for part in re.findall(r"\w+", expression)]
        return name in {*self.inputs.values(), self.outcome, *parts}

    def write_productivity(self, page: Page) -> None:
        """Write the section of productivity."""
        if not self.method:
            if self.lacking:
                page.gap()
                page.say(
                    f"No productivity is estimated: no column was found for {', '.join(self.lacking)}. With them: "
                    "productivity: {tfp: {method: wooldridge, output: ln_va, free: [ln_l], state: [ln_k], proxy: ln_m}}"
                )  # fmt: skip
            return
        name = self.outcome if self.outcome.startswith(("tfp", "lp")) else self.free("tfp")
        page.gap()
        page.say("Each key becomes a column: the log of productivity. docs/estimators has a page for each method.")
        page.key("productivity:")
        page.key(f"{name}:", "the name is yours", 2)
        others = ", ".join(one for one in PRODUCTIVITY if one != self.method)
        page.key(f"method: {self.method}", f"{PRODUCTIVITY[self.method]}. Others: {others}", 4)
        gross = self.inputs["output"].startswith("ln_y")
        page.key(f"output: {self.inputs['output']}", "gross output: for it see gandhi_navarro_rivers" if gross else
                 "log value added", 4)  # fmt: skip
        page.key(f"free: {listed([self.inputs['free']])}", "logs of the inputs chosen within the year", 4)
        if "state" in self.inputs:
            page.key(f"state: {listed([self.inputs['state']])}", "logs of the inputs chosen before the year", 4)
        if "proxy" in self.inputs:
            page.key(f"proxy: {self.inputs['proxy']}", "log intermediate inputs, which rise with productivity", 4)
        if self.method != "labour_productivity":
            sector = self.data.role("sector")
            held = [*([sector.name] if sector is not None else []), "year"]
            page.key(f"controls: {listed(held)}", "held equal in every equation, not subtracted from productivity", 4)
        if self.method == "wooldridge":
            page.off("degree: 3", "of the polynomial that stands for productivity, 1 to 4; less in small samples", 4)
        if self.method in _NEEDS_PROXY and self.data.role("sector") is not None:
            page.off(f"separately_by: [{self.data.roles['sector']}]", "a technology for each group", 4)
