"""Use cases of a call, one module per moment of its life. Each gets the locked call and answers with a plan."""
