"""What the demo's respondents answer: AI items behind their filters, and digital controls."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from panels.arrays import BoolArray, FloatArray, IntArray

__all__ = ["DIGITAL_LEVEL", "DIGITAL_SECTION_J", "NOT_ASKED", "TECHNOLOGIES", "answer", "draw_inclinations"]

AnswerArray = NDArray[np.int8]

NOT_ASKED = -1

# Shares of users, invented but for the order of TTM, TPA and TML: code -> (small and medium, 250 and more).
TECHNOLOGIES = {
    "AI_TTM": (0.43, 0.48),
    "AI_TSR": (0.16, 0.20),
    "AI_TNLG": (0.18, 0.22),
    "AI_TIR": (0.20, 0.30),
    "AI_TML": (0.31, 0.58),
    "AI_TPA": (0.33, 0.62),
    "AI_TAR": (0.06, 0.16),
}
PURPOSES = {
    "AI_PMS": (0.35, 0.36),
    "AI_PPP": (0.26, 0.40),
    "AI_PBA": (0.25, 0.34),
    "AI_PME": (0.16, 0.24),
    "AI_PBAM": (0.34, 0.44),
    "AI_PLOG": (0.10, 0.22),
    "AI_PITS": (0.24, 0.38),
    "AI_PHR": (0.09, 0.18),
    "AI_PFIN": (0.20, 0.28),
    "AI_PRDI": (0.18, 0.32),
}
PURPOSES_OF_WAVE = {
    2021: ("AI_PMS", "AI_PPP", "AI_PBA", "AI_PME", "AI_PLOG", "AI_PITS", "AI_PHR"),
    2023: ("AI_PMS", "AI_PPP", "AI_PBAM", "AI_PLOG", "AI_PITS", "AI_PFIN", "AI_PRDI"),
}
ACQUISITION = {
    "AI_ADOWN": (0.22, 0.42),
    "AI_AMOWN": (0.20, 0.32),
    "AI_AOS": (0.18, 0.30),
    "AI_ARDY": (0.55, 0.56),
    "AI_AEXT": (0.36, 0.50),
}
ETHICS = {"AI_PDI": (0.36, 0.48), "AI_BIAS": (0.22, 0.34)}
CONSIDERED = {"AI_EC": (0.09, 0.24)}
BARRIERS = {
    "AI_BCST": (0.52, 0.48),
    "AI_BLE": (0.66, 0.62),
    "AI_BINC": (0.45, 0.50),
    "AI_BDDT": (0.44, 0.50),
    "AI_BCDP": (0.42, 0.46),
    "AI_BLEG": (0.40, 0.46),
    "AI_BEC": (0.22, 0.28),
    "AI_BNU": (0.24, 0.18),
}
# Thresholds of a normal latent variable by size class: 10-49, 50-249, 250 and more.
DIGITAL = {
    "CC": (-0.05, 0.40, 1.20),
    "ITSP2": (-0.75, 0.15, 1.05),
    "ITT2": (-0.60, 0.10, 1.10),
    "DA": (-0.60, -0.05, 0.70),
    "ERP1": (-0.05, 0.75, 1.60),
}
CLASS_OF_SIZE = np.array([0, 0, 1, 2])
# AI users are more digital, and so are firms of a high level of TFP: controls for it move the AI premium.
DIGITAL_AI = 0.55
DIGITAL_LEVEL = 0.30
DIGITAL_SECTION_J = 0.60

_SHARES = {**TECHNOLOGIES, **PURPOSES, **ACQUISITION, **ETHICS, **CONSIDERED, **BARRIERS}


def draw_inclinations(rng: np.random.Generator, n: int) -> dict[str, FloatArray]:
    """Return what makes a firm answer alike in both waves: a uniform number an AI item, normal ones else."""
    uniform = {code: rng.random(n) for code in _SHARES}
    return uniform | {code: rng.standard_normal(n) for code in DIGITAL}


def answer(
    wave: int,
    user: BoolArray,
    size: IntArray,
    digital_lead: FloatArray,
    inclinations: Mapping[str, FloatArray],
) -> dict[str, AnswerArray]:
    """Return one wave's answers, consistent with its filters.

    Parameters
    ----------
    wave : int
        2021 or 2023: purposes and ethics differ.
    user : (n,) boolean array
        Whether the firm reports a use of AI.
    size : (n,) integer array
        Size class, 0 to 3.
    digital_lead : (n,) array
        What the firm's section and productivity add to the digital items.
    inclinations : mapping of str to (n,) array
        Of `draw_inclinations`.

    Returns
    -------
    dict of str to (n,) int8 array
        1, 0, or `NOT_ASKED` where a filter skipped the item; in the order of the questionnaire.
    """
    large = size == 3
    everybody = np.ones(user.size, dtype=np.bool_)
    answers = _several(TECHNOLOGIES, user, large, inclinations, asked=everybody)
    answers["AI_TANY"] = user.astype(np.int8)
    purposes = {code: PURPOSES[code] for code in PURPOSES_OF_WAVE[wave]}
    answers |= _several(purposes, user, large, inclinations, asked=user)
    answers |= _several(ACQUISITION, user, large, inclinations, asked=user)
    if wave >= 2023:
        answers |= _each(ETHICS, user, large, inclinations)
    answers |= _each(CONSIDERED, ~user, large, inclinations)
    answers |= _several(BARRIERS, answers["AI_EC"] == 1, large, inclinations, asked=answers["AI_EC"] == 1)
    for code, thresholds in DIGITAL.items():
        latent = np.array(thresholds)[CLASS_OF_SIZE[size]] + DIGITAL_AI * user + digital_lead
        answers[code] = (latent + inclinations[code] > 0).astype(np.int8)
    return answers


def _each(
    shares: Mapping[str, tuple[float, float]],
    asked: BoolArray,
    large: BoolArray,
    inclinations: Mapping[str, FloatArray],
) -> dict[str, AnswerArray]:
    return {
        code: np.where(asked, inclinations[code] < np.where(large, share[1], share[0]), NOT_ASKED).astype(np.int8)
        for code, share in shares.items()
    }


def _several(
    shares: Mapping[str, tuple[float, float]],
    yes: BoolArray,
    large: BoolArray,
    inclinations: Mapping[str, FloatArray],
    asked: BoolArray,
) -> dict[str, AnswerArray]:
    """Answer a block of which those in `yes` choose at least one: the nearest, where chance chose none."""
    relative = np.column_stack(
        [inclinations[code] / np.where(large, share[1], share[0]) for code, share in shares.items()]
    )
    chosen = yes[:, None] & ((relative < 1) | (relative == relative.min(axis=1, keepdims=True)))
    block = np.where(asked[:, None], chosen, NOT_ASKED).astype(np.int8)
    return {code: block[:, j] for j, code in enumerate(shares)}
