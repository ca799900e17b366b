"""Trades, coverage, requests and cases, for machines."""

from maillage_tenants.interventions.routes_api import cases, coverage, requests

API_ROUTES = (*coverage.API_ROUTES, *requests.API_ROUTES, *cases.API_ROUTES)
