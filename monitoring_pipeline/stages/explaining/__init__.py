"""Which segments a metric's change came from."""
