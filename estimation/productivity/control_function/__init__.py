"""One-step systems of moment equations with a control function, and their least-squares case."""
