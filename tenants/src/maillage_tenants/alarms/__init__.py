"""Alarms: what a person of the office must look at, raised once per cause, until acknowledged and resolved."""
