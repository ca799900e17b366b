"""Client of Maillage's REST API, for the software of landlords, property managers and insurers.

`Client` opens one cooperative; its operations are generated from the API's document, as are the types in `models`.
"""

from maillage_client.client import Client
from maillage_client.errors import (
    ApiError,
    ChangedMeanwhile,
    Conflict,
    Invalid,
    NotAllowed,
    NotFound,
    NotGenuine,
    NotUnderstood,
    RateLimited,
    TokenRefused,
    Unauthorized,
    Unreachable,
)
from maillage_client.following import Following
from maillage_client.sending import Versioned
from maillage_client.webhooks import Notice, Webhooks, new_secret

__all__ = [
    "ApiError",
    "ChangedMeanwhile",
    "Client",
    "Conflict",
    "Following",
    "Invalid",
    "NotAllowed",
    "NotFound",
    "NotGenuine",
    "NotUnderstood",
    "Notice",
    "RateLimited",
    "TokenRefused",
    "Unauthorized",
    "Unreachable",
    "Versioned",
    "Webhooks",
    "new_secret",
]
