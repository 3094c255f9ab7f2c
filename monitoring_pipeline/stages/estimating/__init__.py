"""What the performance probably is where truth is still missing."""
