"""Floor 3: productivity estimators, designs and inference. Arrays in, frozen records out."""
