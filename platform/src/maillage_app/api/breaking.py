"""What would break software written against an earlier document: pure, on two OpenAPI documents.

A client sends what it was told and reads what it was promised. So what is sent may only be asked less of, and what is
answered may only say more. A new value in a closed list of an answer is no break: clients are told to expect it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
_LOWER_BOUNDS = ("minLength", "minimum", "minItems", "minProperties", "exclusiveMinimum")
_UPPER_BOUNDS = ("maxLength", "maximum", "maxItems", "maxProperties", "exclusiveMaximum")


def breaking_changes(before: Schema, after: Schema) -> tuple[str, ...]:
    """What a client of `before` may trip over with `after`, one sentence each; empty when nothing."""
    return tuple(dict.fromkeys(_Comparison(before, after).changes()))


class _Comparison:
    def __init__(self, before: Schema, after: Schema) -> None:
        self._before, self._after = before, after

    def changes(self) -> Iterator[str]:
        for path, methods in self._before["paths"].items():
            for method, old in methods.items():
                here = f"{method.upper()} {path}"
                new = self._after["paths"].get(path, {}).get(method)
                if new is None:
                    yield f"{here}: removed"
                    continue
                if old.get("security") != new.get("security"):
                    yield f"{here}: another scope is needed"
                yield from self._parameters(here, old, new)
                yield from self._body(here, old, new)
                yield from self._responses(here, old, new)

    def _parameters(self, here: str, old: Schema, new: Schema) -> Iterator[str]:
        was = {(item["in"], item["name"]): item for item in old.get("parameters", ())}
        now = {(item["in"], item["name"]): item for item in new.get("parameters", ())}
        for key, item in was.items():
            place = f"{here}, parameter {key[1]}"
            if key not in now:
                yield f"{place}: removed"
            elif now[key].get("required") and not item.get("required"):
                yield f"{place}: became required"
            else:
                yield from self._sent(place, item["schema"], now[key]["schema"], set())
        for key, item in now.items():
            if key not in was and item.get("required"):
                yield f"{here}, parameter {key[1]}: new and required"

    def _body(self, here: str, old: Schema, new: Schema) -> Iterator[str]:
        was, now = _json(old.get("requestBody")), _json(new.get("requestBody"))
        if was is None and now is not None and new["requestBody"].get("required"):
            yield f"{here}: a body is now needed"
        elif was is not None and now is None:
            yield f"{here}: the body is no longer read"
        elif was is not None and now is not None:
            yield from self._sent(f"{here}, body", was, now, set())

    def _responses(self, here: str, old: Schema, new: Schema) -> Iterator[str]:
        for status, was in old["responses"].items():
            if not status.startswith("2"):
                continue
            now = new["responses"].get(status)
            if now is None:
                yield f"{here}: no longer answers {status}"
                continue
            for kind in was.get("content", {}):
                if kind not in now.get("content", {}):
                    yield f"{here}: no longer answers {kind}"
            if _json(was) is not None and _json(now) is not None:
                yield from self._answered(f"{here}, answer", _json(was) or {}, _json(now) or {}, set())
            for name in was.get("headers", {}):
                if name not in now.get("headers", {}):
                    yield f"{here}: no longer answers the header {name}"

    def _sent(self, place: str, old: Schema, new: Schema, seen: set[str]) -> Iterator[str]:
        """What a client sends: everything that was accepted must still be."""
        name = old.get("$ref", "")
        if name in seen:
            return
        seen = seen | {name} - {""}
        was, now = self._parts(old, self._before), self._parts(new, self._after)
        for kind, part in was.items():
            if kind not in now:
                yield f"{place}: {kind} is no longer accepted"
                continue
            yield from _tightened(place, part, now[kind])
            properties = now[kind].get("properties", {})
            for field, schema in part.get("properties", {}).items():
                if field not in properties:
                    yield f"{place}: the field {field} is no longer accepted"
                else:
                    yield from self._sent(f"{place}.{field}", schema, properties[field], seen)
            for field in set(now[kind].get("required", ())) - set(part.get("required", ())):
                yield f"{place}: the field {field} is now required"
            if "items" in part and "items" in now[kind]:
                yield from self._sent(f"{place}[]", part["items"], now[kind]["items"], seen)

    def _answered(self, place: str, old: Schema, new: Schema, seen: set[str]) -> Iterator[str]:
        """What a client reads: everything that was promised must still be there, and nothing else in its place."""
        name = old.get("$ref", "")
        if name in seen:
            return
        seen = seen | {name} - {""}
        was, now = self._parts(old, self._before), self._parts(new, self._after)
        for kind, part in now.items():
            if kind not in was:
                yield f"{place}: may now be {kind}"
                continue
            properties = part.get("properties", {})
            for field, schema in was[kind].get("properties", {}).items():
                if field not in properties:
                    yield f"{place}: the field {field} is gone"
                else:
                    yield from self._answered(f"{place}.{field}", schema, properties[field], seen)
            for field in set(was[kind].get("required", ())) - set(part.get("required", ())):
                yield f"{place}: the field {field} may now be absent"
            if "items" in was[kind] and "items" in part:
                yield from self._answered(f"{place}[]", was[kind]["items"], part["items"], seen)

    def _parts(self, schema: Schema, document: Schema) -> dict[str, Schema]:
        """The alternatives of a schema by their type, references followed."""
        if "$ref" in schema:
            found = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
            return self._parts(found, document)
        if "anyOf" in schema:
            merged: dict[str, Schema] = {}
            for part in schema["anyOf"]:
                merged |= self._parts(part, document)
            return merged
        kind = str(schema.get("type", "string" if "enum" in schema else "object"))
        if "format" in schema:
            kind = f"{kind} ({schema['format']})"
        return {kind: schema}


def _tightened(place: str, old: Schema, new: Schema) -> Iterator[str]:
    for word in _LOWER_BOUNDS:
        if word in new and new[word] > old.get(word, float("-inf")):
            yield f"{place}: {word} is now {new[word]}"
    for word in _UPPER_BOUNDS:
        if word in new and new[word] < old.get(word, float("inf")):
            yield f"{place}: {word} is now {new[word]}"
    if new.get("pattern") not in (None, old.get("pattern")):
        yield f"{place}: another pattern is needed"
    if "enum" in new:
        for value in sorted(set(map(str, old.get("enum", ["any value"]))) - set(map(str, new["enum"]))):
            yield f"{place}: {value} is no longer accepted"


def _json(holder: Schema | None) -> Schema | None:
    schema: Schema | None = (holder or {}).get("content", {}).get("application/json", {}).get("schema")
    return schema
