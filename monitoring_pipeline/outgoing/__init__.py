"""Connections to servers that a config names: where they may go, and how they are made."""
