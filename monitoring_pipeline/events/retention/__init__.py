"""Removing raw events that have grown old, and only what was computed."""
