"""The voice process: started by `./maillage voice`, stopped by SIGTERM once the calls in progress are over."""

import asyncio
import signal
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final

import structlog

from maillage_kit.settings import VoiceSettings
from maillage_voice import script, watch
from maillage_voice.announce import Announcement, announce
from maillage_voice.application import Application
from maillage_voice.control import Control, Order
from maillage_voice.recording import recover
from maillage_voice.rtp import Beat
from maillage_voice.script import Call
from maillage_voice.sip import Line, Phone
from maillage_voice.speech import Speech
from maillage_voice.spool import Outbox, Spool
from maillage_voice.station import Station
from maillage_voice.words import FIXED

_LAST_DELIVERY: Final = 3.0
_log = structlog.get_logger("maillage.voice")


class Service:
    """`secrets`: the first is sent to the application, all are accepted on the control port."""

    def __init__(self, settings: VoiceSettings, secrets: Sequence[str]) -> None:
        self._settings, self._secrets = settings, list(secrets)
        self._leaving = False
        self._station: Station | None = None
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._loop = asyncio.new_event_loop()
        self._background: list[asyncio.Task[None]] = []
        self._control: asyncio.Server | None = None

    def run(self) -> None:
        """Until SIGTERM or SIGINT. Raises what prevented the start."""
        settings = self._settings
        edge_host, edge_port = address(settings.edge)
        thread = threading.Thread(target=self._run_loop, name="voice", daemon=True)
        phone = Phone(
            host=settings.host,
            port=settings.port,
            edge=(edge_host, edge_port),
            loop=self._loop,
            on_call=self._on_call,
            full=self._is_full,
        )
        thread.start()
        asyncio.run_coroutine_threadsafe(self._start(phone), self._loop).result(30)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._loop.call_soon_threadsafe(self._leave, phone))
        _log.info("voice ready", host=settings.host, port=settings.port)
        phone.run()
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        thread.join(5)

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    async def _start(self, phone: Phone) -> None:
        settings, folder = self._settings, self._settings.data_dir
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        application = Application(settings.application_url, self._secrets[0] if self._secrets else "")
        outbox = Outbox(folder, application)
        if recovered := recover(outbox):
            _log.warning("recordings recovered", count=recovered)
        self._station = station = Station(
            host=settings.host,
            ports=settings.rtp_ports,
            phone=phone,
            beat=Beat(),
            speech=Speech(folder / "speech", application),
            application=application,
            spool=Spool(folder, application),
            outbox=outbox,
            max_call_seconds=settings.max_call_seconds,
        )
        self._background = [
            asyncio.create_task(work)
            for work in (station.beat.run(), station.spool.run(), station.outbox.run(), station.speech.run())
        ]
        for task in self._background:
            task.add_done_callback(self._ended)
        station.spawn(station.speech.warm(FIXED))
        control = Control(self._secrets, health=self._health, place=self._place)
        self._control = await control.start(settings.host, settings.control_port)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """A part of us is dead: better restarted by systemd than half alive (the edge rings people meanwhile)."""
        if not task.cancelled() and task.exception() is not None:
            _log.critical("voice stops", exc_info=task.exception())
            signal.raise_signal(signal.SIGTERM)

    # ------------------------------------------------------------------------------------------------------- calls

    def _is_full(self) -> bool:
        """Beyond it new calls are refused at once (503): the edge rings people itself."""
        station = self._station
        return self._leaving or station is None or station.calls >= self._settings.max_calls

    def _on_call(self, line: Line) -> None:
        assert self._station is not None
        script.starter(self._station, _answer)(line)

    def _place(self, wanted: Order) -> bool:
        if self._is_full() or self._station is None:
            return False
        if isinstance(wanted, Announcement):
            self._station.spawn(announce(self._station, wanted))
        else:
            self._station.spawn(watch.place(self._station, wanted))
        return True

    def _health(self) -> dict[str, Any]:
        station = self._station
        assert station is not None
        return {
            "calls": station.calls,
            "spool": len(station.spool),
            "recordings": len(station.outbox),
            "leaving": self._leaving,
            "last_error": station.last_error
            or station.application.last_error
            or station.spool.last_error
            or station.outbox.last_error,
        }

    # ---------------------------------------------------------------------------------------------------- stopping

    def _leave(self, phone: Phone) -> None:
        if self._leaving:  # asked twice: now
            phone.stop()
            return
        self._leaving = True
        assert self._station is not None
        self._station.spawn(self._drain(phone))

    async def _drain(self, phone: Phone) -> None:
        station = self._station
        assert station is not None
        deadline = self._loop.time() + self._settings.drain_seconds
        while station.calls and self._loop.time() < deadline:
            await asyncio.sleep(0.2)
        await station.close()
        deadline = self._loop.time() + _LAST_DELIVERY
        while len(station.spool) and self._loop.time() < deadline:
            await asyncio.sleep(0.1)
        phone.stop()

    async def _stop(self) -> None:
        assert self._station is not None
        if self._control is not None:
            self._control.close()
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self._station.application.close()
        self._station.spool.close()


async def _answer(station: Station, line: Line) -> None:
    if line.headers.get("x-maillage-answer") == "press_1":
        await watch.press_1(station, line)
    else:
        await Call(station, line).run()


def address(text: str) -> tuple[str, int]:
    """`host:port`. Raises ValueError."""
    host, _, port = text.rpartition(":")
    return host, int(port)


async def make_prompts(settings: VoiceSettings, sentences: Mapping[str, str]) -> list[str]:
    """Make the sound of named sentences, ours included, ahead of the first call. Returns the names of those it could
    not make."""
    return await Speech(settings.data_dir / "speech").warm({**FIXED, **sentences})
