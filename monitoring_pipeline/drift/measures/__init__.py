"""One file for each measure: a distance, and how surprising it is when nothing has changed."""
