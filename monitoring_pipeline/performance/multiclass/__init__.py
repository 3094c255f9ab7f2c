"""Models that choose one of several named classes."""
