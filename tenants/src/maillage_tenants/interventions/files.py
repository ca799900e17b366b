"""What a file really is: read from its first bytes (the name and the declared type are only claims)."""

import re

from maillage_tenants.interventions.errors import FileTooLarge, UnknownFile

MAX_BYTES = 8 * 1024 * 1024
EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "application/pdf": "pdf"}


def sniff(content: bytes) -> str:
    """The media type of a JPEG, PNG, WebP or PDF. Raises UnknownFile for anything else, FileTooLarge above 8 MB."""
    if len(content) > MAX_BYTES:
        raise FileTooLarge
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content.startswith(b"%PDF-"):
        return "application/pdf"
    raise UnknownFile


def safe_name(filename: str, content_type: str) -> str:
    """A file name without folder or control character, with the extension of what the file really is."""
    stem = re.sub(r"[^\w .()-]", "_", filename.replace("\\", "/").rsplit("/", 1)[-1]).rsplit(".", 1)[0].strip(" .")
    return f"{stem[:80] or 'fichier'}.{EXTENSIONS[content_type]}"
