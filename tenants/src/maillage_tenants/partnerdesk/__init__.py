"""What a person of a partner sees on the web: the dwellings, cases, quotes and notes of their own organisation.

Composed from customers, interventions, quotes and invoices; holds no rule. Whoever is signed in reaches one customer
(`access.own_reach`), under the very conditions that hold the partner's software: anything else does not exist.
"""
