"""Customers, their sites and numbers; each stays with the member who brought it (R60)."""
