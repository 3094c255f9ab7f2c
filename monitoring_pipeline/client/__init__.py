"""What a model's own service carries to tell the monitor of its predictions and their truth.

The package stands alone: it needs the standard library, httpx and orjson, and nothing else of this project. Calls only
put a line into a bounded queue; two threads do the rest. One makes the lines safe in a folder on disk (the spool), the
other sends what is there and removes it once the server has stored it. So neither a server that is away nor a disk
that hangs delays or breaks the service.

    log_prediction → inbox (memory) → backlog (segments in the spool) → POST /v0/events → removed when acknowledged
"""

from monitoring_pipeline.client.account import Stats
from monitoring_pipeline.client.client import MonitorClient
from monitoring_pipeline.client.events import InvalidEventError
from monitoring_pipeline.client.recording.monitored import Prediction, latest_prediction_id
from monitoring_pipeline.client.spool.room import Overflow

__all__ = ["InvalidEventError", "MonitorClient", "Overflow", "Prediction", "Stats", "latest_prediction_id"]
