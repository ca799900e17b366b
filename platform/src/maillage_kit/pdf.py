"""Typst templates and JSON data become PDF/A-3b, with typst's own fonts so that pages are the same on every machine."""

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any

import typst

from maillage_kit.clock import require_aware


@lru_cache(maxsize=1)
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False)


@lru_cache(maxsize=64)
def on_paper(package: str, name: str) -> str:
    """The Typst source of `<package>/documents/<name>.typ`, after the common paper (A4, French, helpers, page numbers).

    A template finds `data`, the decoded JSON, and the helpers of `maillage_kit/paper.typ`.
    """
    paper = files("maillage_kit").joinpath("paper.typ").read_text(encoding="utf-8")
    body = files(package).joinpath("documents", f"{name}.typ").read_text(encoding="utf-8")
    return f"{paper}\n{body}"


def compile_pdf(source: str, data: Mapping[str, Any], *, at: datetime) -> bytes:
    """The PDF/A-3b of a Typst source over `data` (JSON values only: amounts and dates come already written).

    The same source, data and instant give the same bytes. Raises typst.TypstError when the template is wrong.
    """
    compiled = typst.compile(
        source.encode(),
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
        font_paths=_fonts(),
        ignore_system_fonts=True,
        format="pdf",
        pdf_standards=["a-3b"],
        timestamp=int(require_aware(at).timestamp()),
    )
    if not isinstance(compiled, bytes):
        raise TypeError("typst gave no PDF")
    return compiled


async def render_pdf(source: str, data: Mapping[str, Any], *, at: datetime) -> bytes:
    """`compile_pdf` in a thread: a page takes some ten milliseconds that other requests need not wait."""
    return await asyncio.to_thread(compile_pdf, source, data, at=at)
