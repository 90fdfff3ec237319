"""A realistic record: the published table 1, with what a run would know besides."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import stdtr, stdtrit

from estimation.inference import inference
from estimation.results import ErrorsInfo, Estimates, Failed, GroupFit, ProductivityFit
from estimation.shown import Density, Figure
from panels.ledger import Ledger
from reports.record import PanelFacts, SpecFacts, build_record

# High Council for Employment (2026), table 1: term, coefficient, standard error; firms behind it (assumed).
TABLE1 = (
    ("constant", 10.8442, 0.0443, 2310),
    ("size[20-49]", 0.2313, 0.0391, 540),
    ("size[50-249]", 0.5218, 0.0379, 655),
    ("size[250+]", 0.8958, 0.0430, 455),
    ("firm_age", 0.0059, 0.0007, 2304),
    ("nace[D]", 0.7222, 0.1544, 15),
    ("nace[E]", 1.4225, 0.1090, 32),
    ("nace[F]", -0.0592, 0.0482, 219),
    ("nace[G]", 0.4173, 0.0365, 505),
    ("nace[H]", 0.1770, 0.0528, 180),
    ("nace[I]", 0.2909, 0.0778, 67),
    ("nace[J]", 0.6369, 0.0602, 128),
    ("nace[L]", 2.1263, 0.1176, 27),
    ("nace[M]", 0.4044, 0.0555, 160),
    ("nace[N]", -0.3145, 0.0513, 201),
    ("nace[Q]", 0.2524, 0.2656, 5),
    ("nace[R]", 1.6235, 0.5894, 1),
    ("nace[S]", 0.1474, 0.3415, 3),
    ("ai", 0.2306, 0.0316, 512),
)
N_OBS = 2310


def estimates(name: str, errors: ErrorsInfo, wider: float = 1.0, weights: str = "") -> Estimates:
    terms = tuple(row[0] for row in TABLE1)
    coefficients = np.array([row[1] for row in TABLE1])
    std_errors = np.array([row[2] for row in TABLE1]) * wider
    statistics = coefficients / std_errors
    half = stdtrit(errors.df, 0.975) * std_errors
    return Estimates(
        name=name,
        design="cross_section",
        method="ols",
        outcome="tfp",
        terms=terms,
        coefficients=coefficients,
        std_errors=std_errors,
        statistics=statistics,
        p_values=2 * stdtr(errors.df, -np.abs(statistics)),
        conf_low=coefficients - half,
        conf_high=coefficients + half,
        covariance=np.diag(std_errors**2),
        n_firms_term=np.array([row[3] for row in TABLE1]),
        n_obs=N_OBS,
        n_firms=N_OBS,
        stats={"r2": 0.4412, "adj_r2": 0.4368, "sigma": 0.588, "df_resid": N_OBS - len(TABLE1)},
        errors=errors,
        weights=weights,
        influence_firms=np.arange(0),
        influence=np.zeros((0, len(TABLE1))),
        dropped={"missing tfp": 21},
        rows_in=24310,
        reference={"size": "10-19", "nace": "C"},
    )


def classical(name: str = "table1") -> Estimates:
    df = float(N_OBS - len(TABLE1))
    return estimates(name, ErrorsInfo("classical", {}, df, "s2 (X'X)^-1, s2 = e'e/(N-K)", "ignore"))


def clustered(name: str = "table1_robust") -> Estimates:
    factor = "G/(G-1) x (N-1)/(N-K)"
    return estimates(name, ErrorsInfo("cluster", {"firm": N_OBS}, N_OBS - 1.0, factor, "include"), wider=1.08)


def wooldridge(name: str = "tfp", n_firms: int = 4068, group: tuple[tuple[str, str], ...] = ()) -> ProductivityFit:
    coefficients, covariance = np.array([0.6987, 0.1034]), np.diag([0.0081**2, 0.0162**2])
    fit = GroupFit(
        group=group,
        rung="two-step",
        errors=ErrorsInfo("cluster", {"firm": n_firms}, float("inf"), "", "none"),
        terms=("ln_l", "ln_k"),
        coefficients=coefficients,
        covariance=covariance,
        inference=inference(coefficients, covariance, float("inf")),
        df=float("inf"),
        n_obs=19877,
        n_firms=n_firms,
        n_firms_scores=n_firms + 240,
        j_statistic=1.372,
        j_df=1,
        j_p_value=0.2415,
        parameters=("ln_l", "ln_k"),
        influence_firms=np.arange(0),
        influence=np.zeros((0, 2)),
        small_sample=1.0,
        diagnostics={
            "first_stage_f": 812.4,
            "unexplained_share_of_ln_l": 0.241,
            "share_increasing_in_proxy": 0.994,
        },
    )
    return ProductivityFit(
        name=name,
        method="wooldridge",
        tfp_from="residual",
        groups=(fit,),
        values=np.append(np.zeros(24289), np.nan),
        group_of_row=np.zeros(24290, dtype=np.int64),
        in_sample=np.arange(24290) < 19877,
        gradient=np.zeros((24290, 0)),
        dropped={"no lag": 4412, "missing ln_m": 21},
        options={
            "method": "wooldridge", "output": "ln_va", "free": ("ln_l",), "state": ("ln_k",), "proxy": "ln_m",
            "controls": ("nace", "year"), "degree": 3, "steps": 2, "sample": "common",
            "gmm_weights": "cluster", "tfp_from": "residual", "separately_by": None, "where": None,
        },
    )  # fmt: skip


def density(label: str, mean: float, spread: float, n_firms: int) -> Density:
    grid = np.linspace(mean - 2 * spread, mean + 2.4 * spread, 128)
    curve = np.exp(-0.5 * ((grid - mean) / spread) ** 2) / (spread * np.sqrt(2 * np.pi))
    return Density("tfp", label, grid, curve, 0.14, n_firms, n_firms, mean)


def ledger() -> Ledger:
    whole = Ledger().step("accounts", "read", 30112, 30112)
    whole = whole.step("accounts", "months", 30112, 29870, {"fewer than 6 months": 180, "more than 18 months": 62})
    whole = whole.step("survey", "read", 3360, 3360).step("panel", "link", 29870, 29870)
    whole = whole.step("panel", "where", 29870, 24310, {"where is false": 5560})
    whole = whole.step("productivity.tfp", "sample", 24310, 19877, {"no lag": 4412, "missing ln_m": 21})
    whole = whole.step("models.table1", "where", 24310, 2331, {"where is false": 21979})
    return whole.step("models.table1", "missing values", 2331, 2310, {"missing tfp": 21})


def spec_facts(**changes: Any) -> SpecFacts:
    facts: dict[str, Any] = {
        "title": "AI use and the productivity of Belgian firms",
        "source": "High Council for Employment (2026), section 2.3.2, table 1 and figure 9",
        "digest": "0f" * 32,
        "tables": {
            "table1": {
                "models": ["table1"], "formats": ["html", "latex", "md", "csv"], "locale": ["nl_BE", "en"],
                "p_values": "r_style",
                "title": {
                    "en": "Simple linear model of the productivity of Belgian firms",
                    "nl": "Eenvoudig lineair model van de productiviteit van Belgische ondernemingen",
                },
            },
            "robust": {"models": ["table1", "table1_robust"], "locale": "en", "formats": ["html"]},
        },
        "figures": {"figure9": {"kind": "productivity_density", "of": "tfp", "by": "ai", "title": None}},
        "labels": {
            "ai": {"en": "Uses AI", "nl": "Gebruikt AI"},
            "firm_age": {"en": "Age of the firm", "nl": "Leeftijd van de onderneming"},
            "table1": {"en": "As published", "nl": "Zoals gepubliceerd"},
            "table1_robust": {"en": "Robust, corrected", "nl": "Robuust, gecorrigeerd"},
        },
        "disclosure": {"minimum_firms": 10, "on_breach": "report"},
        "model_titles": {"table1": "Simple linear model of the productivity of Belgian firms"},
    }  # fmt: skip
    return SpecFacts(**(facts | changes))


def panel_facts() -> PanelFacts:
    link = {"2021": {"respondents": 2160, "linked": 2104}, "2023": {"respondents": 2400, "linked": 2331}}
    return PanelFacts(24310, 4386, range(2017, 2024), ledger(), link)


def figure9(users: int = 512) -> Figure:
    where = "year == 2023 and linked == 1 and employees >= 10"
    series = (density("0", 11.42, 0.62, N_OBS - users), density("1", 11.93, 0.68, users))
    return Figure("figure9", "productivity_density", ("tfp",), "ai", where, series)


def published_record(**changes: Any) -> dict[str, Any]:
    parts: dict[str, Any] = {
        "spec": spec_facts(),
        "panel": panel_facts(),
        "productivity": [wooldridge()],
        "models": [
            classical(),
            clustered(),
            Failed("small", "cross_section", "models.small: the regressors nace and section are collinear"),
        ],
        "figures": [figure9()],
    }
    return build_record(**(parts | changes))
