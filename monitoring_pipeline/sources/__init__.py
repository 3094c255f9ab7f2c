"""Where events come from by themselves: topics, files and tables, each read on from where it was left."""
