"""What R's prodest computes."""
