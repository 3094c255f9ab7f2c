"""When each aircraft landed, as a UTC instant: the data gives only a wall clock at the destination.

The wall clock has no date and its zone is the destination's. So the instant is first estimated from what
is exact (scheduled departure + departure delay + minutes in the air + a typical taxi time), and then moved
to the nearest instant at which the destination's clock showed the recorded time.
"""

import pandas as pd

# Minutes on the ground between leaving one gate and reaching the other, beside the air time.
TYPICAL_TAXI_MINUTES = 20
# Beyond these the recorded clock does not fit the flight, and the estimate stands: 0 of 327,346 flights of
# 2013 are outside (smallest -15, largest 215: a jet held on the ground at Los Angeles on 1 November).
EARLIEST_GAP_MINUTES, LATEST_GAP_MINUTES = -30, 300

DAY_MINUTES = 24 * 60

# Airports that the data's list of airports lacks.
MISSING_ZONES = {
    "BQN": "America/Puerto_Rico",
    "PSE": "America/Puerto_Rico",
    "SJU": "America/Puerto_Rico",
    "STT": "America/St_Thomas",
}


def landed_at(flights: pd.DataFrame, *, zones: "pd.Series[str]") -> "pd.Series[pd.Timestamp]":
    """The instant each flight reached the gate, in UTC; missing where it never arrived as planned.

    Args:
        flights: ``departs_at`` (UTC), ``dep_delay``, ``air_time`` and ``arr_delay`` in minutes, ``arr_time`` as
            HHMM on the destination's clock, ``dest``.
        zones: the IANA time zone of each airport.
    """
    minutes_after_departure = flights["dep_delay"] + flights["air_time"] + TYPICAL_TAXI_MINUTES
    minutes_after_departure = minutes_after_departure.where(flights["arr_delay"].notna())
    estimate = flights["departs_at"] + pd.to_timedelta(minutes_after_departure, unit="min")
    zone_of_flight = flights["dest"].map(zones.to_dict() | MISSING_ZONES)
    gap = pd.Series(0.0, index=flights.index)
    for zone, estimates in estimate.groupby(zone_of_flight):
        gap[estimates.index] = _minutes_to_clock(estimates.dt.tz_convert(str(zone)), flights["arr_time"])
    gap = gap.where(gap.between(EARLIEST_GAP_MINUTES, LATEST_GAP_MINUTES), 0.0)
    return (estimate + pd.to_timedelta(gap, unit="min")).astype("datetime64[us, UTC]")


def _minutes_to_clock(local: "pd.Series[pd.Timestamp]", hhmm: "pd.Series[float]") -> "pd.Series[float]":
    """Minutes from each local instant to the nearest one at which the clock shows ``hhmm``: -720 … 719."""
    wanted = hhmm[local.index] // 100 * 60 + hhmm[local.index] % 100
    shown = local.dt.hour * 60 + local.dt.minute
    return (wanted - shown + DAY_MINUTES / 2) % DAY_MINUTES - DAY_MINUTES / 2
