"""OAuth 2.1 over Authlib: its authorization server, grants and endpoints, filled in with our services.

Authlib is synchronous and calls us back where it needs data. Each request runs it in a greenlet, as SQLAlchemy does
with drivers: what it calls back waits there for our coroutines. So services, queries and the transaction stay what
they are everywhere else, and a server lives for one request.
"""
