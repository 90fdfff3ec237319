"""Econometric advice: what a referee would ask of a plan, and of a run, each with a code, a reason and a source."""
