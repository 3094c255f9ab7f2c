"""The lake: Parquet hour files and the ledger that says which of them stand."""
