"""Data quality: verdicts per hour from Great Expectations suites, and the score they add up to."""
