"""A record becomes an event, or is rejected for the first thing that is wrong with it."""
