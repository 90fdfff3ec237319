"""What a run may take from an earlier one: panels, productivity estimates and models, found by their content."""
