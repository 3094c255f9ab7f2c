"""Models that say yes or no."""
