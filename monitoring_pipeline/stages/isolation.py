"""One model's trouble is its own: a stage finishes the other models' windows and then says which failed.

A failed window is not recorded in the ledger, so it stays due and is tried again.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy.exc import OperationalError

from monitoring_pipeline.stages.report import ModelFailure, ModelOutcome, OutcomeState, StageReport


@dataclass(slots=True)
class Failures:
    """The models that failed in one stage so far."""

    found: list[ModelFailure] = field(default_factory=list)

    @contextmanager
    def of(self, model_id: str, windows: Iterable[int]) -> Iterator[None]:
        """Work on one model's windows; an exception ends this work and is remembered.

        Args:
            model_id: whose work it is.
            windows: what stays undone if it fails.

        Raises:
            OperationalError: if the store itself is out of order, which no other model would escape.
        """
        try:
            yield
        except OperationalError:
            raise
        # Whatever a model's declaration, files or rows bring about; it is reported and the run fails at its end.
        except Exception as error:  # noqa: BLE001 - kept and reported, see above
            self.found.append(ModelFailure(model_id=model_id, windows=tuple(windows), error=error))

    def report(self, dataset: str, outcomes: Iterable[ModelOutcome]) -> StageReport:
        """The stage's report: what was done, then what failed."""
        return StageReport(dataset=dataset, outcomes=(*outcomes, *self._outcomes()), failures=tuple(self.found))

    def _outcomes(self) -> list[ModelOutcome]:
        return [
            ModelOutcome(
                model_id=failure.model_id,
                window_start=window,
                state=OutcomeState.FAILED,
                row_count=0,
                details={"error": failure.sentence},
            )
            for failure in self.found
            for window in failure.windows
        ]


def told(failures: Iterable[ModelFailure]) -> str:
    """What failed, each model and cause once, in one sentence each."""
    return "; ".join(dict.fromkeys(str(failure) for failure in failures))
