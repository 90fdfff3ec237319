"""Floor 1: the spec language. YAML with positions, the grammars, the models of a spec and its mistakes."""
