"""Failures that are injected over HTTP, in an environment of their own."""
