"""Estimates of one model set beside each other: groups, controls added in turn, restrictions, what is not seen."""
