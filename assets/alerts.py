"""``alerts``: the alerts that stand, after those whose labels came of age were judged again."""

import dagster as dg

from assets.shell import OWNERS, failed_models, log_failures, markdown_table
from monitoring_pipeline.alerts.read import list_alerts
from monitoring_pipeline.alerts.vocabulary import AlertState
from monitoring_pipeline.stages.isolation import told
from monitoring_pipeline.stages.judging.findings import mature_alerts, withdraw_alerts
from monitoring_pipeline.stages.pipeline import Pipeline

MAX_ROWS = 50


@dg.asset(deps=["hourly_findings", "daily_findings"], group_name="alerts", owners=OWNERS, kinds={"python"})
def alerts(context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> None:
    """Provisional alerts become confirmed or retracted here when time alone, not a label, matured them.

    Those whose rule was taken out of the config are withdrawn.
    """
    withdrawn = withdraw_alerts(pipeline)
    matured = mature_alerts(pipeline)
    active = list_alerts(pipeline.engine, states=[state for state in AlertState if state.active])
    context.add_output_metadata(
        {
            "dagster/row_count": len(active),
            "windows_judged_again": len(matured.outcomes),
            "alerts_withdrawn": withdrawn,
            "active": dg.MetadataValue.md(_table(active)),
        }
    )
    log_failures(context, matured)
    if matured.failures:
        raise failed_models(told(matured.failures))


def _table(active: list[dict[str, object]]) -> str:
    if not active:
        return "No alert is active."
    columns = ("state", "severity", "model_id", "rule_id", "segment", "window_start", "value", "threshold", "coverage")
    newest = sorted(active, key=lambda alert: str(alert["window_start"]), reverse=True)[:MAX_ROWS]
    return markdown_table(columns, [[alert[name] for name in columns] for alert in newest])
