"""The code that is measured: ``python -m benchmarks.measured MODULE.FUNCTION ARGUMENTS RESULT``.

Each function takes JSON values and returns a JSON object. It runs once per process.
"""
