"""Differences in differences: samples, estimators and what is aggregated of them."""
