"""What to do next, in sentences that follow from verdicts."""
