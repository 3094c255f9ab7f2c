"""Dagster resources: the installation's parts, opened once per process and swapped in tests."""
