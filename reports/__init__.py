"""Floor 4: tables, figures, pages and run bundles. Never a firm-level row."""
