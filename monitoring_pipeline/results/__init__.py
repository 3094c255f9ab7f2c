"""Results in SQL, append-only by knowledge time: the truth of which everything else is a projection."""
