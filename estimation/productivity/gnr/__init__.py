"""Gandhi, Navarro and Rivers: share equation, integration, Markov step."""
