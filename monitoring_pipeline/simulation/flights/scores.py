"""How good the models are beside a constant guess, so that nobody takes the demo for an oracle."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from monitoring_pipeline.simulation.flights.train import LAST_TRAINING_MONTH, LATE_MINUTES, FlightModels


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Errors of the models and of the best constants known in May, over the same landed flights."""

    flight_count: int
    mae_minutes: float
    constant_mae_minutes: float  # always the training median
    log_loss: float
    constant_log_loss: float  # always the training share of late flights
    auc: float  # 0.5 is a coin

    def __str__(self) -> str:
        return (
            f"{self.flight_count:,} flights: "
            f"MAE {self.mae_minutes:.1f} min (constant {self.constant_mae_minutes:.1f}), "
            f"log loss {self.log_loss:.3f} (constant {self.constant_log_loss:.3f}), AUC {self.auc:.3f}"
        )


def june_scores(models: FlightModels, flights: pd.DataFrame) -> Scores:
    """The scores over June, the first month that the models have not seen."""
    # optional: only the demo needs it
    from sklearn.metrics import log_loss, mean_absolute_error, roc_auc_score  # noqa: PLC0415 - 1 s to import

    landed = flights[flights["landed_at"].notna()]
    spring = landed.loc[landed["month"] <= LAST_TRAINING_MONTH, "arrival_delay_minutes"]
    june = landed[landed["month"] == LAST_TRAINING_MONTH + 1]
    minutes, late = june["arrival_delay_minutes"], june["arrival_delay_minutes"] > LATE_MINUTES
    probability = models.late_probability(june)
    return Scores(
        flight_count=len(june),
        mae_minutes=float(mean_absolute_error(minutes, models.delay_minutes(june))),
        constant_mae_minutes=float(mean_absolute_error(minutes, np.full(len(june), spring.median()))),
        log_loss=float(log_loss(late, probability)),
        constant_log_loss=float(log_loss(late, np.full(len(june), (spring > LATE_MINUTES).mean()))),
        auc=float(roc_auc_score(late, probability)),
    )
