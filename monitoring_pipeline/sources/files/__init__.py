"""Files that appear and grow in a folder."""
