"""Estimators with firm effects: within, and the dynamic system."""
