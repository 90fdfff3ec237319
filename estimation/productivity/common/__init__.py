"""What several families of estimators share."""
