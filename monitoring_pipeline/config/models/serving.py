"""Where the model itself answers, for callers that send features and no prediction."""

from pydantic import Field

from monitoring_pipeline.config.models.base import Strict


class Serving(Strict):
    """The service that predicts: ``POST /monitor/predict`` forwards features to it and logs what it answers."""

    url: str = Field(pattern=r"^https?://")
    token_env: str | None = None  # the environment variable that holds the service's bearer token
    allow_private: bool = False  # addresses of one's own network are refused unless the owner says so
    timeout_seconds: float = Field(default=5, gt=0, le=60)
