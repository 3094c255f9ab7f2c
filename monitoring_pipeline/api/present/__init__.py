"""What a model looks like at present, computed at most once for each state of the store."""
