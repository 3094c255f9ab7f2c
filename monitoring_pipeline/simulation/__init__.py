"""Input with a known history: the real flights of the demo, and failure scenarios."""
