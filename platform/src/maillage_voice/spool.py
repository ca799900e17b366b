"""What must reach the application, kept on disk until it has: events in order, recordings one by one.

SQLite in the data folder: a killed process loses nothing that was told to it.
"""

import asyncio
import json
import sqlite3
import uuid
from pathlib import Path
from typing import Any, Final

import structlog

from maillage_kit import clock
from maillage_voice.application import Application, Refused, Unreachable

_BATCH: Final = 50
_FIRST_WAIT: Final = 0.25
_LONGEST_WAIT: Final = 2.0
_KEEP_SECONDS: Final = 7 * 24 * 3600
_OLDEST: Final = "select number, body from event order by number limit ?"
_log = structlog.get_logger("maillage.voice")


class Spool:
    """Events, first in first out. At least once: the application knows repeats by their id."""

    def __init__(self, folder: Path, application: Application) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._db = sqlite3.connect(folder / "spool.sqlite", isolation_level=None)
        self._db.execute("pragma journal_mode=wal")
        self._db.execute("pragma synchronous=normal")
        self._db.execute("create table if not exists event (number integer primary key autoincrement, body text)")
        self._db.execute("create table if not exists refused (number integer primary key, body text, why text)")
        self._application = application
        self._news = asyncio.Event()
        self.last_error = ""
        self._news.set()

    def tell(self, kind: str, *, call_id: str, caller: str, called: str, **more: Any) -> None:
        """One event of the contract's section 5, dated now; on disk when this returns."""
        event = {
            "id": str(uuid.uuid4()),
            "call_id": call_id,
            "type": kind,
            "at": clock.now().timestamp(),
            "attempt": 0,
            "step": "voice",
            "target": "",
            "code": 0,
            "detail": "",
            "source": "voice",
            "caller": caller,
            "called": called,
            **more,
        }
        self._db.execute("insert into event (body) values (?)", (json.dumps(event, ensure_ascii=False),))
        self._news.set()

    def __len__(self) -> int:
        return int(self._db.execute("select count(*) from event").fetchone()[0])

    async def run(self) -> None:
        """Delivers for ever. Waits longer after each failure, at most two seconds."""
        wait = _FIRST_WAIT
        while True:
            await self._news.wait()
            self._news.clear()
            while rows := self._db.execute(
                "select number, body from event order by number limit ?", (_BATCH,)
            ).fetchall():
                try:
                    await self._send(rows)
                    wait = _FIRST_WAIT
                except Unreachable as exc:
                    self.last_error = str(exc)
                    await asyncio.sleep(wait)
                    wait = min(wait * 2, _LONGEST_WAIT)

    async def _send(self, rows: list[tuple[int, str]]) -> None:
        """A batch that is refused is sent one by one: what is wrong is set aside, the rest goes on."""
        try:
            await self._application.deliver([json.loads(body) for _, body in rows])
        except Refused as exc:
            if len(rows) > 1:
                for row in rows:
                    await self._send([row])
                return
            _log.error("event refused", why=str(exc), body=rows[0][1])
            self._db.execute("insert or ignore into refused values (?, ?, ?)", (*rows[0], str(exc)))
        self._db.execute("delete from event where number <= ?", (rows[-1][0],))

    def close(self) -> None:
        self._db.close()


class Outbox:
    """Recordings to upload: `<id>.wav` with `<id>.json`, which says where to. Deleted once taken; one that is refused,
    or that nobody took for a week, is set aside as `<id>.refused` for a person to look at."""

    def __init__(self, folder: Path, application: Application) -> None:
        self.folder = folder / "recordings"
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._application = application
        self._news = asyncio.Event()
        self.last_error = ""
        self._news.set()

    def add(self, sound: Path, path: str) -> None:
        """A finished WAV file of `folder`. The label is complete or absent, also when killed half-way."""
        label = sound.with_suffix(".json")
        new = sound.with_suffix(".new")
        new.write_text(json.dumps({"path": path}))
        new.replace(label)
        self._news.set()

    def __len__(self) -> int:
        return sum(1 for _ in self.folder.glob("*.json"))

    async def run(self) -> None:
        wait = _FIRST_WAIT
        while True:
            await self._news.wait()
            self._news.clear()
            while labels := sorted(self.folder.glob("*.json"), key=lambda label: label.stat().st_mtime):
                failed = False
                for label in labels:
                    failed |= not await self._upload(label)
                if failed:
                    await asyncio.sleep(wait)
                    wait = min(wait * 2, 60)
                else:
                    wait = _FIRST_WAIT

    async def _upload(self, label: Path) -> bool:
        sound = label.with_suffix(".wav")
        try:
            path = str(json.loads(label.read_text())["path"])
            await self._application.upload(path, sound, upload_id=label.stem)
        except Unreachable as exc:
            self.last_error = str(exc)
            if clock.now().timestamp() - label.stat().st_mtime < _KEEP_SECONDS:
                return False
            label.replace(label.with_suffix(".refused"))
            return True
        except (Refused, OSError, ValueError, KeyError) as exc:
            _log.error("recording refused", recording=label.stem, why=str(exc))
            label.replace(label.with_suffix(".refused"))
            return True
        sound.unlink(missing_ok=True)
        label.unlink(missing_ok=True)
        return True
