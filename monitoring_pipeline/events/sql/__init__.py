"""Statements that put, add or find many rows at once, on either database."""
