"""Where events are fetched from: topics of Kafka, files, and tables of other databases."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from monitoring_pipeline.config.models.base import Strict
from monitoring_pipeline.config.models.times import PositiveDelay

KindOfRows = Literal["predictions", "actuals"]

# What "read at least once, landed once" rests on; and what has a key of its own.
_NOT_TO_BE_SET = frozenset(
    {
        "auto.offset.reset",
        "bootstrap.servers",
        "enable.auto.commit",
        "enable.auto.offset.store",
        "enable.partition.eof",
        "group.id",
        "metadata.broker.list",
    }
)
_SECRETS = ("password", "secret", ".key.pem", "sasl.oauthbearer.config", "sasl.jaas.config")


def _settable(settings: dict[str, str | int | bool]) -> dict[str, str | int | bool]:
    if fixed := sorted(settings.keys() & _NOT_TO_BE_SET):
        raise ValueError(f"sets {', '.join(fixed)}, which has a key of its own or must stay as it is; take it out")
    if secret := sorted(name for name in settings if name.endswith(_SECRETS)):
        raise ValueError(
            f"holds the secret {', '.join(secret)}; name the environment variable that holds it under secrets_env"
        )
    return settings


def _event_fields(fields: dict[str, str]) -> dict[str, str]:
    if "features" in fields and any(name.startswith("features.") for name in fields):
        raise ValueError("names features and features.<name>; keep one of the two ways")
    return fields


class KafkaSource(Strict):
    """Topics whose messages are events as JSON objects; read by ``monitor consume``.

    In a ``mixed`` topic each message says what it is: in ``kind_field`` if that is given, else by the fields that it
    has, as files do.
    """

    type: Literal["kafka"]
    servers: str = Field(min_length=1)
    topics: dict[str, Literal["predictions", "actuals", "mixed"]] = Field(min_length=1)
    kind_field: str | None = None
    group: str = Field(default="monitoring-pipeline", min_length=1)
    begin: Literal["earliest", "latest"] = "earliest"
    settings: Annotated[dict[str, str | int | bool], AfterValidator(_settable)] = {}
    secrets_env: dict[str, str] = {}

    @model_validator(mode="after")
    def _kind_field_is_looked_at(self) -> Self:
        if self.kind_field is not None and "mixed" not in self.topics.values():
            raise ValueError("kind_field is given, and no topic is mixed; take it out, or write mixed for its topic")
        return self


class FileSource(Strict):
    """Files that appear in a folder or match a pattern, each read once; NDJSON that grows is read on."""

    type: Literal["files"]
    path: str = Field(min_length=1)
    kind: KindOfRows | None = None
    settle: PositiveDelay = timedelta(seconds=30)  # what is no NDJSON is read when it has rested so long
    every: PositiveDelay = timedelta(minutes=5)


class UrlSource(Strict):
    """One file behind an address, such as a presigned one of an object store; read again when it has changed."""

    type: Literal["url"]
    url: str | None = Field(default=None, pattern=r"^https?://")
    url_env: str | None = None
    format: Literal["ndjson", "ndjson.gz", "csv", "csv.gz", "parquet"]
    kind: KindOfRows | None = None
    allow_private: bool = False  # addresses of one's own network are refused unless the owner says so
    most_bytes: int = Field(default=1_000_000_000, ge=1)
    timeout_seconds: float = Field(default=300, gt=0, le=3_600)
    every: PositiveDelay = timedelta(minutes=5)

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        if (self.url is None) == (self.url_env is None):
            raise ValueError("needs either url or url_env (for an address that is a secret), and not both")
        return self


class SqlSource(Strict):
    """Rows of a table or a query in another database, read on behind the highest watermark so far."""

    type: Literal["sql"]
    url_env: str = Field(min_length=1)
    table: str | None = None
    query: str | None = None
    watermark: str = Field(min_length=1)
    kind: KindOfRows
    columns: Annotated[dict[str, str], AfterValidator(_event_fields)] = {}
    values: dict[str, str | int | float | bool] = {}
    lookback: PositiveDelay = timedelta(minutes=10)  # of instants: rows may be committed after later ones
    lookback_ids: int = Field(default=1_000, ge=0)  # the same of ids
    chunk_rows: int = Field(default=10_000, ge=1, le=100_000)
    every: PositiveDelay = timedelta(minutes=5)

    @model_validator(mode="after")
    def _table_or_query(self) -> Self:
        if (self.table is None) == (self.query is None):
            raise ValueError("needs either table or query, and not both")
        return self

    @model_validator(mode="after")
    def _fields_have_one_origin(self) -> Self:
        if both := sorted(self.columns.keys() & self.values.keys()):
            raise ValueError(f"{', '.join(both)} is under columns and under values; keep one")
        return self


EventSource = Annotated[KafkaSource | FileSource | UrlSource | SqlSource, Field(discriminator="type")]
