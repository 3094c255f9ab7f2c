"""The HTTP API: events in, answers out. What is true is decided in the rooms below; here it is only asked and shown."""
