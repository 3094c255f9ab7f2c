"""Ids in no order, as hashes and UUIDv4 are: each touches a page of its own in an index."""

# Odd, so that no two numbers below 2**32 give the same.
SCATTER = 2_654_435_761


def scattered(number: int) -> int:
    """A place below 2**32 for a number below it: neighbours come to lie far apart, and no two share one."""
    return number * SCATTER % 2**32
