"""Predictions that are logged one by one over HTTP: who makes them, and what strikes about their inputs."""
