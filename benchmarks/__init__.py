"""What the program costs: ``make bench``, or ``python -m benchmarks [NAME ...] [--quick] [--json]``.

Each benchmark is one file here: what is measured, at which sizes, against which target. The measured code is in
:mod:`benchmarks.measured` and always runs in a process of its own, so its peak memory is its own and nothing is
warm that would not be. Results of full runs are kept in ``benchmarks/results``.
"""
