"""`./maillage demo`: two fictional cooperatives and one night of calls, played through the real server.

Nothing here is used in production. `stage` and `processes` start PostgreSQL, the server and the worker; `fiction`
invents people; `founding` fills the cooperatives through the domains' services; `night` plays the calls of
`night.toml`; `fieldwork` and `visit` are the artisan with the phone in hand; `timeline` compresses time; `invariants`
checks what is written, with the owner's SQL; `report` and `showing` tell it. docs/howto/demo.md.
"""
