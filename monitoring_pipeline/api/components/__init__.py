"""The parts of the monitor itself, and whether each works."""
