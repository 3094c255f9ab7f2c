"""What was ever stored, counted in the transactions that stored it."""
