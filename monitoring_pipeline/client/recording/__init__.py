"""The calls that a service makes, and the lines that they become."""
