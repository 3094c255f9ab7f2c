"""The log channel: one line of the program's log for each notification."""

import json
import logging

from monitoring_pipeline.alerts.notification import Notification
from monitoring_pipeline.config.models import Severity
from monitoring_pipeline.text import one_line

logger = logging.getLogger("monitoring_pipeline.alerts")

_LEVELS = {
    Severity.INFO: logging.INFO,
    Severity.WARNING: logging.WARNING,
    Severity.CRITICAL: logging.CRITICAL,
}


class LogSender:
    """Writes to the logger ``monitoring_pipeline.alerts`` at the alert's severity."""

    def deliver(self, notification: Notification) -> None:
        """Log the sentence and the ids, on one line whatever the names in it contain."""
        payload = notification.payload
        # Not every message is about an alert; one without severity or sentence is still to be seen.
        severity = Severity(payload.get("severity", Severity.WARNING))
        text = str(payload.get("text") or json.dumps(notification.document, sort_keys=True))
        logger.log(
            _LEVELS[severity],
            "%s alert_id=%s notification_id=%s",
            one_line(text),
            one_line(notification.alert_id),
            notification.notification_id,
        )
