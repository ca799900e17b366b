"""What the federation learns from the watch: whether it works, never about whom."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WatchCallJudged:
    """A watch call is over. `seconds`: from the call placed to the key of the test artisan, None when it failed."""

    succeeded: bool
    seconds: int | None
    failure: str


@dataclass(frozen=True, slots=True)
class FindingsChanged:
    """How many findings of the audit are open now."""

    open: int
