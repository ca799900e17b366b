"""The REST API, version 1, under `/api/v1`: tokens, conventions, document. The operations stand in their domains."""

from maillage_app.api.routes import api_router, operations

__all__ = ["api_router", "operations"]
