"""Interventions: the case file of an emergency repair, its states, clocks and offers (R20, R87, R88)."""
