"""Use cases of invoicing: issuing, paying, checking."""
