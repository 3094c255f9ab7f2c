"""The report: one HTML page about one model, to be looked at, printed or sent; it loads nothing and runs nothing."""

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from monitoring_pipeline.installation import Installation
from monitoring_pipeline.reports.advice.advise import advice
from monitoring_pipeline.reports.bounds import ANY, BOUNDS
from monitoring_pipeline.reports.facts import Facts, Series
from monitoring_pipeline.reports.forecast import Forecast, forecast
from monitoring_pipeline.reports.measured import measured_run
from monitoring_pipeline.reports.pictures.labels import labels_picture
from monitoring_pipeline.reports.pictures.performance import performance_picture
from monitoring_pipeline.reports.pictures.scale import written
from monitoring_pipeline.reports.pictures.strips import alerts_picture, drift_picture
from monitoring_pipeline.reports.read_facts import facts_of
from monitoring_pipeline.reports.tiles import tiles
from monitoring_pipeline.windows import SECOND_MICROS, isoformat

DEFAULT_DAYS = 28
MOST_DAYS = 180
DAYS_AHEAD = 7

_TEMPLATES = Path(__file__).parent / "templates"
STYLE = (_TEMPLATES / "report.css").read_text(encoding="utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Nothing may be loaded and no script may run; the page's own style is allowed by its hash."""

# A page that was saved has no headers, and frame-ancestors means nothing outside of them.
_OWN_POLICY = CONTENT_SECURITY_POLICY.rpartition(";")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    """A picture with a title, and a sentence about how to read it; or a sentence on why there is none."""

    title: str
    reading: str
    picture: Markup | None


def report_page(installation: Installation, model_id: str, *, days: int = DEFAULT_DAYS) -> str:
    """The page.

    Args:
        installation: config, store and clock.
        model_id: a model, declared or not; one without any data has a page that says what is missing.
        days: how many to look back.

    Raises:
        MonitorError: if the store cannot be reached.
    """
    facts = facts_of(installation, model_id, days=days)
    ahead = _ahead(facts)
    return _template().render(
        facts=facts,
        style=Markup(STYLE),  # noqa: S704  (a file of ours)
        policy=_OWN_POLICY,
        told_at=isoformat(facts.now - facts.now % (60 * SECOND_MICROS)),
        since=isoformat(facts.days[0])[:10],
        tiles=tiles(facts),
        advice=advice(facts, ahead),
        sections=[_performance(facts, ahead), _drift(facts), _alerts(facts), *_labels(facts)],
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,  # of every file, whatever it is called: names come from users
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html")


def _ahead(facts: Facts) -> Forecast | None:
    """The days after the last mature one of whoever predicts most."""
    if not facts.performance:
        return None
    trend = next((rule.trend for rule in facts.model.rules if rule.metric == facts.headline and rule.trend), None)
    run = measured_run(facts.performance[0], most=trend.windows if trend else None)
    return forecast(run, ahead=DAYS_AHEAD, bounds=BOUNDS.get(facts.headline, ANY))


def _performance(facts: Facts, ahead: Forecast | None) -> _Section:
    title = f"Performance: {facts.headline}"
    known = [series for series in facts.performance if any(day.value is not None for day in series.days)]
    if not known:
        why = "No day has a value yet: no truth has arrived, or no day has been computed."
        if facts.ended_on is not None:
            why = f"{_capitalised(_why_no_day(facts))}."
        return _Section(title=title, reading=why, picture=None)
    reading = (
        f"{_capitalised(_versions(known))}. The band holds the true value in 95 % of days; hollow points still wait "
        f"for labels, whose share is drawn below. {_forecast_reading(facts, ahead)}"
    )
    drawn = performance_picture(known, facts.days, ahead=ahead, rule=facts.rule)
    return _Section(title=title, reading=reading, picture=drawn)


def _why_no_day(facts: Facts) -> str:
    if facts.ended_on is not None:
        return f"the last prediction was made on {facts.ended_on}, before these days"
    return "no day has been computed yet"


def _versions(series: list[Series]) -> str:
    shown = [f"version {found.model_version} in {found.environment}" for found in series[:4]]
    more = len(series) - len(shown)
    return ", ".join(shown) + (f" and {more} more that predict less" if more else "")


def _forecast_reading(facts: Facts, ahead: Forecast | None) -> str:
    if ahead is None or ahead.change.interval is None:
        return "There is no forecast: that takes four days with complete labels, one after the other."
    change, interval = ahead.change.value, ahead.change.interval
    between = f"{written(interval.lower)} to {written(interval.upper)}"
    if interval.lower <= 0 <= interval.upper:
        told = f"no trend can be told from noise (change {written(change)}, {between})"
    else:
        way = "rises" if change > 0 else "falls"
        told = f"{facts.headline} {way} (by {written(abs(change))}; change {between})"
    return f"Over the last days with complete labels {told}; the lighter part is where the next {DAYS_AHEAD} would lie."


def _drift(facts: Facts) -> _Section:
    if not facts.drift:
        missing = "no reference is declared" if facts.model.reference is None else _why_no_day(facts)
        return _Section(title="Drift", reading=f"Nothing was compared: {missing}.", picture=None)
    reading = (
        "A filled cell is a day on which it moved, a pale one a day on which it did not; a dashed one could not tell."
    )
    return _Section(title="Drift", reading=reading, picture=drift_picture(facts.drift, facts.days))


def _alerts(facts: Facts) -> _Section:
    if not facts.alerts:
        missing = "" if facts.model.rules else " There are no rules that could raise one."
        return _Section(title="Alerts", reading=f"None in these days.{missing}", picture=None)
    reading = "A filled cell is an alert that stands, a hollow one may change with labels to come, a grey one is over."
    return _Section(title="Alerts", reading=reading, picture=alerts_picture(facts.alerts, facts.days))


def _labels(facts: Facts) -> list[_Section]:
    if not facts.labels:
        why = "Nothing can be told: of the last 30 days no hour with predictions has been computed yet."
        return [_Section(title="Labels", reading=why, picture=None)]
    return [_labels_of(row) for row in facts.labels]


def _labels_of(row: dict[str, object]) -> _Section:
    title = f"Labels in {row['environment']}: {str(row['verdict']).replace('_', ' ')}"
    reasons, ages = row["reasons"], row["ages"]
    assert isinstance(reasons, tuple)
    assert isinstance(ages, tuple | list)
    reading = " ".join(f"{_capitalised(str(reason))}." for reason in reasons)
    if not ages:
        return _Section(title=title, reading=reading, picture=None)
    reading = f"{reading} The line is how labels usually come by age, the points are the newest predictions."
    return _Section(title=title, reading=reading, picture=labels_picture(ages))


def _capitalised(sentence: str) -> str:
    """With a capital at the beginning, and names left as they are."""
    return sentence[:1].upper() + sentence[1:]
