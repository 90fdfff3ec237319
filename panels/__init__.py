"""Floor 2: the firm panel. Sources, layouts, cleaning, linking, samples and the demo microdata."""
