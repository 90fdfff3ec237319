"""Weights that make treated and untreated rows alike in covariates, and what estimating them does to a regression."""
