"""The page of one customer, for the office: composed from customers, subscriptions and interventions; holds no rule."""
