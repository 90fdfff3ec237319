"""What a column may be, by its name: English, French and Dutch words, Orbis and Bel-first, codes of the NBB."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

__all__ = ["ROLES", "is_log_by_name", "named_for", "simplified"]

ROLES: dict[str, tuple[str, ...]] = {
    "firm": (
        "firm", "firm_id", "firmid", "id_firm", "id", "company", "company_id", "enterprise", "enterprise_id", "entnr",
        "ent_nr", "bvd_id", "bvdid", "bvd_id_number", "bvdidnumber", "bvd_account_number", "vat", "vat_number",
        "kbo", "kbo_nr", "kbonr", "bce", "siren", "gvkey", "ondernemingsnummer", "ondernemingsnr", "onderneming",
        "bedrijf", "bedrijf_id", "bedrijfsnummer", "numero_d_entreprise", "numero_entreprise", "num_entreprise",
        "entreprise", "firme", "societe", "plant", "plant_id", "establishment", "vestiging", "etablissement", "unit",
        "firm_nr", "firm_no", "firm_number", "company_name", "identifier",
    ),
    "year": (
        "year", "yr", "fyear", "fiscal_year", "accounting_year", "closing_year", "jaar", "boekjaar", "annee", "an",
        "exercice", "exercice_comptable", "time", "period", "t", "wave", "closdate_year", "survey_year",
    ),
    "value_added": (
        "value_added_real", "value_added", "valueadded", "va", "vadd", "added_value", "gross_value_added", "gva",
        "adva",
        "toegevoegde_waarde", "bruto_toegevoegde_waarde", "tw", "valeur_ajoutee", "valeur_ajoutee_brute", "vab",
        "output", "y", "r9900", "brutomarge", "marge_brute", "gross_margin",
    ),
    "turnover": (
        "turnover_real", "turnover", "sales", "net_sales", "revenue", "revenues", "opre", "turn", "operating_revenue",
        "operating_revenue_turnover", "gross_output", "production", "omzet", "bedrijfsopbrengsten",
        "chiffre_d_affaires", "chiffre_affaires", "ca", "ventes", "r70", "r70_76a", "go",
    ),
    "labour": (
        "labour", "labor", "employees", "employment", "empl", "emp", "number_of_employees", "nr_employees",
        "n_employees",
        "headcount", "workers", "staff", "fte", "l", "werknemers", "aantal_werknemers", "personeel", "vte",
        "personeelsbestand", "effectif", "effectifs", "effectif_moyen", "etp", "emplois", "r9087", "r1003", "r9086",
    ),
    "capital": (
        "capital_real", "capital", "k", "capital_stock", "tangible_fixed_assets", "tfas", "tangible_assets", "ppe",
        "ppent", "fixed_assets", "fias", "kapitaal", "kapitaalvoorraad", "materiele_vaste_activa", "mva",
        "vaste_activa", "immobilisations_corporelles", "actifs_immobilises", "stock_de_capital", "r22_27",
    ),
    "materials": (
        "materials_real", "materials", "m", "material_costs", "material_cost", "costs_of_materials", "mate",
        "intermediate_inputs", "intermediates", "intermediate_consumption", "inputs", "ri", "aankopen", "grondstoffen",
        "materiaalkosten", "intermediair_verbruik", "handelsgoederen_grond_en_hulpstoffen", "achats", "matieres",
        "matieres_premieres", "consommations_intermediaires", "consommation_intermediaire", "r60", "r60_61", "r60_66a",
    ),
    "wages": (
        "labour_cost", "labor_cost", "labour_costs", "wages", "wage_bill", "wagebill", "staff_costs", "staf",
        "costs_of_employees", "personnel_costs", "loonkosten", "personeelskosten", "bezoldigingen", "lonen",
        "frais_de_personnel", "remunerations", "masse_salariale", "salaires", "r62",
    ),
    "adoption": (
        "ai", "uses_ai", "ai_use", "ai_user", "use_ai", "ai_any", "ai_adoption", "artificial_intelligence", "ia", "ki",
        "e_ai_tany", "gebruik_ai", "gebruikt_ai", "gebruikt_ki", "ai_gebruik", "utilise_ia", "utilise_l_ia",
        "usage_ia", "adoption", "adopter", "adopted", "adopts", "adoptie", "adoptant", "treat", "treated",
        "treatment", "behandeld", "traite", "d", "technology", "robot", "robots", "cloud", "digital", "post",
    ),
    "cohort": (
        "first_year", "cohort", "cohorte", "first_treat", "first_treated", "gvar", "g", "adoption_year",
        "year_adopted", "year_of_adoption", "first_ai", "ai_first_year", "ai_year", "first_use", "eerste_jaar",
        "jaar_adoptie", "adoptiejaar", "premiere_annee", "annee_adoption", "annee_d_adoption",
    ),
    "sector": (
        "nace", "nace2", "nace_2", "nace_section", "sector", "industry", "sic", "sic2", "isic", "naics", "nacebel",
        "nace_bel", "nace_code", "nace3", "branch", "bedrijfstak", "sectie", "secteur", "branche", "industrie",
    ),
    "size": ("size", "size_class", "sizeclass", "grootteklasse", "grootte", "taille", "classe_de_taille",
    "company_size"),
    "region": ("region", "regio", "gewest", "province", "provincie", "nuts", "nuts2", "country", "pays", "land"),
    "age": ("firm_age", "age", "leeftijd", "age_entreprise", "age_of_firm"),
    "weight": ("weight", "weights", "gewicht", "wegingsfactor", "poids", "ponderation", "pweight", "sampling_weight"),
}  # fmt: skip
"""By role, the names that it goes by, simplified, the likeliest first."""

_LOG = re.compile(r"(?:ln|log)_?(?=[a-z])|l_(?=[a-z])")


def simplified(name: str) -> str:
    """Return a name in small letters of a to z, digits and ``_``: ``Chiffre d'affaires (EUR)`` is
    ``chiffre_d_affaires``.
    """
    plain = unicodedata.normalize("NFKD", re.sub(r"\(.*?\)|\[.*?\]", " ", name)).encode("ascii", "ignore").decode()
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", "_", plain)
    words = re.sub(r"[^a-z0-9]+", "_", spaced.casefold()).strip("_")
    return re.sub(r"_(?:eur|k_eur|th_eur|keur|meur|m_eur|usd|th_usd|last_avail_yr)$", "", words)


def is_log_by_name(name: str) -> bool:
    """Return whether a name begins as that of a log does."""
    return _LOG.match(simplified(name)) is not None


def named_for(role: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return the columns whose name says a role, the likeliest first.

    Parameters
    ----------
    role : str
        One of `ROLES`.
    names : iterable of str
        As the files have them.
    """
    known = {one: rank for rank, one in enumerate(ROLES[role])}
    ranked = []
    for place, name in enumerate(names):
        plain = simplified(name)
        bare = _LOG.sub("", plain, count=1) if _LOG.match(plain) else plain
        rank = min((known[one] for one in (plain, bare, plain.replace("_", "")) if one in known), default=None)
        if rank is None:  # tangible_fixed_assets_2 or real_sales
            inside = [one for one in known if len(one) > 3 and re.search(rf"(?:^|_){one}(?:_|$)", plain)]
            rank = len(known) + min((known[one] for one in inside), default=0) if inside else None
        if rank is not None:
            ranked.append((rank, place, name))
    return tuple(name for _, _, name in sorted(ranked))
