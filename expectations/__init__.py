"""Great Expectations suites, one module per dataset, built from a model's declaration.

Each expectation carries a severity and a description: a sentence that is true if it passes. *Critical*
means that a later stage would compute nonsense from the rows. Great Expectations is imported when a suite
is built, not before.
"""
