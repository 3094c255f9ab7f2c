"""Tokens as they are kept: of the token itself only its hash. Instants are microseconds since the epoch, UTC."""

from sqlalchemy import BigInteger, Column, Index, Table, Text

from monitoring_pipeline.database import metadata

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("token_id", Text, primary_key=True),  # random hex: names the token in lists and logs
    Column("client", Text, nullable=False),  # who holds it; two may live at once, for rotation
    Column("digest", Text, nullable=False, unique=True),  # SHA-256 of the token, hex
    Column("grants", Text, nullable=False),  # JSON list of texts: scope, or scope@models
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Index(None, "client"),
)
