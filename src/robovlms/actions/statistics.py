"""Statistics of the actions (or states) of a data set: what the normalisation of a component is computed from."""

from typing import Annotated

import numpy as np
from jaxtyping import Float
from pydantic import Field, FiniteFloat, model_validator

from robovlms.core.config import Config
from robovlms.core.errors import UserError

Column = tuple[FiniteFloat, ...]
COLUMNS = ("mean", "std", "min", "max", "q01", "q99")


class ActionStatistics(Config):
    """Per-dimension statistics of ``count`` actions (or states); plain JSON."""

    count: Annotated[int, Field(ge=0)]
    mean: Column
    std: Column
    min: Column
    max: Column
    q01: Column
    q99: Column

    @model_validator(mode="after")
    def _equally_long(self) -> "ActionStatistics":
        lengths = {name: len(getattr(self, name)) for name in COLUMNS}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"got columns of different lengths {lengths}, expected one number for each dimension")
        return self

    @model_validator(mode="after")
    def _in_order(self) -> "ActionStatistics":
        for low, high in (("min", "max"), ("q01", "q99")):
            for dimension, (least, most) in enumerate(zip(getattr(self, low), getattr(self, high), strict=True)):
                if least > most:
                    raise ValueError(f"{low} {least:g} is above {high} {most:g} in dimension {dimension}")
        if (smallest := min(self.std, default=0.0)) < 0:
            raise ValueError(f"std {smallest:g} is negative in dimension {self.std.index(smallest)}")
        return self

    @property
    def dims(self) -> int:
        """Number of dimensions."""
        return len(self.mean)

    @classmethod
    def of(cls, values: Float[np.ndarray, "count a"]) -> "ActionStatistics":
        """Exact statistics of ``values``; quantiles by linear interpolation.

        Raises:
            UserError: there are no values, or one is not finite.
        """
        if not len(values):
            raise UserError("Statistics need at least one action: got none. Check the held-out fraction.")
        wide = values.astype(np.float64)
        bad = np.argwhere(~np.isfinite(wide))
        if len(bad):
            row, column = bad[0].tolist()
            raise UserError(
                f"Statistics need finite numbers: got {wide[row, column]} in row {row}, dimension {column}."
            )
        low, high = np.quantile(wide, (0.01, 0.99), axis=0)
        columns = {"mean": wide.mean(0), "std": wide.std(0), "min": wide.min(0), "max": wide.max(0)}
        columns |= {"q01": low, "q99": high}
        return cls(count=len(values), **{name: tuple(column.tolist()) for name, column in columns.items()})

    def columns(self, at: slice) -> dict[str, Float[np.ndarray, " d"]]:
        """Some dimensions as arrays, by the name of the statistic."""
        return {name: np.array(getattr(self, name)[at]) for name in COLUMNS}
