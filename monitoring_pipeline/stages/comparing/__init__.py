"""Windows as they were known at a label age, and a window beside past ones of the same age."""
