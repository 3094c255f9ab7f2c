"""What MLflow has been shown, so that only changed days are sent again."""

from sqlalchemy import BigInteger, Column, Table, Text

from monitoring_pipeline.database import metadata

# ``known_from`` and ``row_count`` are the mark of the standing result rows that the run was made from: any
# change closes a row or opens one, so a day whose mark is another one is due. A row written for another
# tracking address counts as absent.
mlflow_projection = Table(
    "mlflow_projection",
    metadata,
    Column("model_id", Text, primary_key=True),
    Column("day", BigInteger, primary_key=True),  # start of the day, microseconds UTC
    Column("tracking_url_hash", Text, nullable=False),  # a hash, because an address may carry a password
    Column("run_id", Text, nullable=False),  # empty if the results hold no number that a run could show
    Column("content_hash", Text, nullable=False),  # sha256, hex, of the points and parameters
    Column("known_from", BigInteger, nullable=False),  # newest of the standing rows
    Column("row_count", BigInteger, nullable=False),  # how many standing rows
    Column("logged_at", BigInteger, nullable=False),
)
