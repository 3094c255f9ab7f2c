"""Tables and queries of other databases."""
