"""Field: the artisan's phone: my duties, my cases, accept to close."""
