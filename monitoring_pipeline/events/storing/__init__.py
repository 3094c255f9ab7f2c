"""Validated rows are stored in one transaction, and every one of them is accounted for."""
