"""The documents that a carrier obeys."""

from xml.etree import ElementTree

MAX_DOCUMENTS = 60
SPEECH_SECONDS = 4.0


class BadDocument(AssertionError):
    """The answer to a webhook is not a document that a carrier could obey."""


def attribute(element: ElementTree.Element, name: str) -> str:
    """Raises BadDocument without it."""
    value = element.get(name)
    if not value:
        raise BadDocument(f"<{element.tag}> without {name}")
    return value
