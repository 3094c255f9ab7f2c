"""Rows of many groups at once: numbering, exact sums, what a column may hold."""
