"""``python -m tfplab``."""

from tfplab.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
