"""Estimators in two stages: Olley-Pakes, Levinsohn-Petrin, Ackerberg-Caves-Frazer."""
