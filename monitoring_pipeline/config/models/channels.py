"""Where notifications go."""

from typing import Annotated, Literal

from pydantic import Field

from monitoring_pipeline.config.models.base import Strict


class LogChannel(Strict):
    """Writes each notification to the program's log."""

    type: Literal["log"]


class FileChannel(Strict):
    """Appends each notification as one JSON line; a relative path is under MONITOR_HOME."""

    type: Literal["file"]
    path: str


class WebhookChannel(Strict):
    """POSTs each notification as JSON, signed if ``secret_env`` names a variable that holds a key."""

    type: Literal["webhook"]
    url: str = Field(pattern=r"^https?://")
    secret_env: str | None = None
    allow_private: bool = False  # addresses of one's own network are refused unless the owner says so
    timeout_seconds: float = Field(default=10, gt=0, le=60)


Channel = Annotated[LogChannel | FileChannel | WebhookChannel, Field(discriminator="type")]
