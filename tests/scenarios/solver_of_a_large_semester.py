"""The solver's process (`test_rota_solving.py`) for which no semester is small, and what everybody owes is found only
when it is told to stop."""

import time
from unittest.mock import patch

from maillage_tenants.rota.solver import preparing, process
from maillage_tenants.rota.solver.instance import Instance
from maillage_tenants.rota.solver.problem import Stop


def found_at_last(instance: Instance, *, stop: Stop) -> Instance:
    while not stop():
        time.sleep(0.1)
    return instance


with patch.object(preparing, "LARGE", 1), patch.object(preparing, "with_shares", found_at_last):
    process.main()
