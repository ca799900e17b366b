"""The REST API's conventions, shared by every domain: how an operation is declared, read, answered and done once.

Problems are RFC 9457; lists have sealed cursors; what changes has a version (ETag, If-Match); a POST has an
Idempotency-Key. docs/api/README.md says it to those who write clients.
"""

from .answering import File, Listing, answered, etag_of, must_match
from .cursors import Cursors, PageQuery
from .once import KeptAnswer, KeptAnswers
from .operations import Operation, Rest, act, by, change, listed, page_of, read, remove, understand
from .problems import KeyReused, MethodNotAllowed, MissingScope, RateLimited
from .reach import Reach

__all__ = [
    "Cursors",
    "File",
    "KeptAnswer",
    "KeptAnswers",
    "KeyReused",
    "Listing",
    "MethodNotAllowed",
    "MissingScope",
    "Operation",
    "PageQuery",
    "RateLimited",
    "Reach",
    "Rest",
    "act",
    "answered",
    "by",
    "change",
    "etag_of",
    "listed",
    "must_match",
    "page_of",
    "read",
    "remove",
    "understand",
]
