"""The named series: their files, windows and targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dlkit.data.catalogue import cache

if TYPE_CHECKING:
    from dlkit.data.data import Data


class Published(NamedTuple):
    """A file, the window and horizon that suit it, what is predicted, and steps to leave out."""

    file: str
    window: int
    horizon: int = 1
    targets: tuple[str, ...] | None = None
    steps: int | None = None


SERIES = {
    "airline_passengers": Published("timeseries/airline-passengers.csv", 12),
    "melbourne_temperatures": Published("timeseries/daily-min-temperatures.csv", 14),
    "sunspots": Published("timeseries/monthly-sunspots.csv", 132),  # a cycle of 11 years
    # 12, 4 and 4 months of 30 days, as published; what follows is not used. (Zhou et al. 2021)
    "etth1": Published("timeseries/ETTh1.csv.gz", 96, 24, ("OT",), 20 * 30 * 24),
    "household_power": Published(
        "timeseries/household_power_consumption_days.csv", 14, 7, ("Global_active_power",)
    ),
}


def load(name: str, **options: Any) -> Data:
    """Return the set `name`; `options` are what `from_series` takes."""
    import dataclasses
    import inspect

    from dlkit.argument_validation import check_names
    from dlkit.data.series import from_series, reading

    chosen = SERIES[name]
    known = inspect.signature(from_series.from_series).parameters
    defaults = {field: known[field].default for field in from_series.Options.__dataclass_fields__}
    check_names(name, options, [*defaults, "targets", "drop"])
    targets = options.pop("targets", chosen.targets)
    defaults |= {"window": chosen.window, "horizon": chosen.horizon}
    # Its gaps are known: the last days of 1984 and 1988, in Melbourne.
    read = reading.read_series(cache.find_published(chosen.file), None, options.pop("drop", ()))
    read = dataclasses.replace(read, values=read.values[: chosen.steps])
    return from_series.series_data(
        name, read, targets, from_series.Options(**{**defaults, **options})
    )
