"""Use cases of the authorization server, by what they act on."""
