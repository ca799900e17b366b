"""How a domain offers an operation of the REST API: one decorator beside the handler says the scope, what is read,
what is answered and the words of the reference. The guard, the document and the tests read the same declaration.

A handler takes `request` first, then what it needs by name: `session`, `caller` (ApiCaller), `reach` (whose things the
client may see), `asked` (the query), `sent` (the body), and gives back a struct, `listed(…)`, a `File` or None.
"""

import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar

import msgspec
from litestar import delete, get, patch, post
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.response import Response

from maillage_kit.api_access import ApiCaller, Scope
from maillage_kit.pages import Page, PageRequest
from maillage_kit.rest.answering import Listed, answered
from maillage_kit.rest.cursors import Cursors, PageQuery, purpose_of
from maillage_kit.rest.once import KeptAnswer, KeptAnswers, fingerprint_of, key_of
from maillage_kit.rest.reading import read_body, read_query
from maillage_kit.web import AnyRequest

T = TypeVar("T")
Handler = Callable[..., Awaitable[Any]]
Made = Callable[[Handler], HTTPRouteHandler]
Key = Literal["required", "optional"]


@dataclass(frozen=True, slots=True)
class Words:
    """The same thing said to both kinds of readers of the reference."""

    fr: str
    en: str


@dataclass(frozen=True, slots=True)
class Operation:
    """What is declared beside a handler. `answer` is a struct, `Listing[…]`, or None for bytes of `media_type`."""

    method: str
    path: str
    name: str
    tag: str
    scope: Scope | None
    words: Words
    answer: Any
    status: int
    query: type[msgspec.Struct] | None = None
    body: type[msgspec.Struct] | None = None
    example: dict[str, Any] = field(default_factory=dict, hash=False)
    key: Key | None = None
    versioned: bool = False
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Rest:
    """What the composition root puts in the scope's state under `rest`."""

    cursors: Cursors
    answers: KeptAnswers


class _Named(Protocol):
    __name__: str


def read(
    path: str,
    *,
    scope: Scope | None,
    tag: str,
    fr: str,
    en: str,
    answer: Any = None,
    query: type[msgspec.Struct] | None = None,
    media_type: str = "application/json",
) -> Made:
    """A GET."""

    def made(handler: Handler) -> HTTPRouteHandler:
        words = Words(fr, en)
        operation = Operation(
            "GET", path, _name(handler), tag, scope, words, answer, 200, query=query, media_type=media_type
        )
        return get(path, **_options(operation))(_answering(handler, operation))

    return made


def act(
    path: str,
    *,
    scope: Scope,
    tag: str,
    fr: str,
    en: str,
    answer: Any,
    body: type[msgspec.Struct] | None = None,
    example: dict[str, Any] | None = None,
    status: int = 200,
    key: Key = "optional",
) -> Made:
    """A POST. `key`: whether an Idempotency-Key must be given; one that is given always counts."""

    def made(handler: Handler) -> HTTPRouteHandler:
        words = Words(fr, en)
        operation = Operation(
            "POST", path, _name(handler), tag, scope, words, answer, status, body=body, example=example or {}, key=key
        )
        return post(path, **_options(operation))(_once(handler, operation))

    return made


def change(
    path: str,
    *,
    scope: Scope,
    tag: str,
    fr: str,
    en: str,
    answer: Any,
    body: type[msgspec.Struct],
    example: dict[str, Any],
) -> Made:
    """A PATCH of what has a version: If-Match must name the present one."""

    def made(handler: Handler) -> HTTPRouteHandler:
        words = Words(fr, en)
        operation = Operation(
            "PATCH", path, _name(handler), tag, scope, words, answer, 200, body=body, example=example, versioned=True
        )
        return patch(path, **_options(operation))(_answering(handler, operation))

    return made


def remove(path: str, *, scope: Scope, tag: str, fr: str, en: str) -> Made:
    """A DELETE, answered by nothing."""

    def made(handler: Handler) -> HTTPRouteHandler:
        operation = Operation("DELETE", path, _name(handler), tag, scope, Words(fr, en), None, 204)
        return delete(path, **_options(operation))(handler)

    return made


def page_of(request: AnyRequest, caller: ApiCaller, asked: PageQuery) -> PageRequest:
    """Which page is asked for. Raises Invalid for a cursor of another list, of other filters, of another client."""
    rest: Rest = request.scope["state"]["rest"]
    return rest.cursors.page(asked, purpose=purpose_of(request.url.path, caller.client_id, asked))


def listed(
    request: AnyRequest, caller: ApiCaller, asked: PageQuery, page: Page[T], shown: Callable[[T], Any]
) -> Listed[Any]:
    """A page of a list, each row as the API shows it."""
    return Listed([shown(item) for item in page.items], page, purpose_of(request.url.path, caller.client_id, asked))


def by(caller: ApiCaller) -> str:
    """Who did it, as stories and the audit log say it."""
    return f"{caller.client_name} (API)"


def _name(handler: Handler) -> str:
    named: _Named = handler
    return named.__name__


async def understand(request: AnyRequest, operation: Operation) -> None:
    """Read what was sent, before anything is opened for it. Raises NotJson, MalformedBody, Invalid."""
    state = request.scope["state"]
    if operation.query is not None:
        state["asked"] = read_query(request, operation.query)
    if operation.body is not None:
        state["sent"] = await read_body(request, operation.body)


def _options(operation: Operation) -> dict[str, Any]:
    def understood(name: str) -> Provide:
        def given(request: AnyRequest) -> Any:
            return request.scope["state"][name]

        return Provide(given, sync_to_thread=False)

    wanted = {"asked": operation.query, "sent": operation.body}
    dependencies = {name: understood(name) for name, model in wanted.items() if model is not None}
    return {"status_code": operation.status, "dependencies": dependencies, "opt": {"operation": operation}}


def _answering(handler: Handler, operation: Operation) -> Callable[..., Awaitable[Response[bytes]]]:
    @functools.wraps(handler)
    async def answering(**given: Any) -> Response[bytes]:
        request: AnyRequest = given["request"]
        rest: Rest = request.scope["state"]["rest"]
        value = await handler(**given)
        return answered(request, value, status=operation.status, cursors=rest.cursors)

    return _returning_a_response(answering)


def _once(handler: Handler, operation: Operation) -> Callable[..., Awaitable[Response[bytes]]]:
    answering = _answering(handler, operation)

    @functools.wraps(handler)
    async def once(**given: Any) -> Response[bytes]:
        request: AnyRequest = given["request"]
        rest: Rest = request.scope["state"]["rest"]
        caller: ApiCaller = given["caller"]
        key = key_of(request, required=operation.key == "required")
        if key is None:
            return await answering(**given)
        kept = await rest.answers.claim(
            given["session"], client_id=caller.client_id, key=key, fingerprint=await fingerprint_of(request)
        )
        if kept is not None:
            return Response(
                kept.body,
                status_code=kept.status,
                media_type="application/json",
                headers={"Idempotency-Replayed": "true"},
            )
        response = await answering(**given)
        await rest.answers.keep(
            given["session"],
            client_id=caller.client_id,
            key=key,
            answer=KeptAnswer(operation.status, bytes(response.content)),
        )
        return response

    return _returning_a_response(once)


def _returning_a_response(
    wrapper: Callable[..., Awaitable[Response[bytes]]],
) -> Callable[..., Awaitable[Response[bytes]]]:
    """The framework reads the annotations: the wrapper's own answer, the handler's own arguments."""
    wrapper.__annotations__ = {**wrapper.__annotations__, "return": Response[bytes]}
    return wrapper
