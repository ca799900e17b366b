"""The semester rota as an optimisation problem: from facts to a plan, its proof and its reasons.

Pure: no database and no clock. `instance` says the problem, `units` what is to be covered, `docs/rota-model.md` the
formulation; `maillage_tenants.rota.checker` verifies every plan without any of this.
"""
