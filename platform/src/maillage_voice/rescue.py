"""When the application cannot be asked: the red situations, then people, whose key 1 is judged here (R86, R104).

Telephones ring while the sentences are said: the first person who accepts ends them.

First those of the ladder who were not rung yet, then the cooperative's rescue numbers, twice; then a message if the
call is known, and the emergency numbers in every case.
"""

from typing import TYPE_CHECKING, Final

from maillage_kit.phone import caller_number
from maillage_voice import words
from maillage_voice.plans import Message, Sentence

if TYPE_CHECKING:
    from maillage_voice.script import Call

_ROUNDS: Final = 2
_MESSAGE_SECONDS: Final = 120


async def rescue(call: "Call") -> None:
    """Returns when the caller was put through and it is over, or when nothing more can be done.

    Our own watch call, come back from the trunk, rings nobody: it has found that the application does not answer.
    """
    if caller_number(call.caller) in call.station.watching:
        return
    call.alone = True
    begun = bool(call.tried)
    call.station.speech.prepare(Sentence(text) for text in (words.WHISPER, words.NEXT_ONE))
    told: tuple[str, ...] = (words.NEXT_ONE,) if begun else (words.SAFETY_FIRST, words.PUT_THROUGH)
    people = (*call.left, *call.rescue_steps)
    for round_number in range(_ROUNDS):
        if round_number:
            call.tried, told = set(), (words.NEXT_ONE,) if people else ()
        if await call.hunt_alone(people, meanwhile=tuple(Sentence(text) for text in told)):
            await call.channel.say(Sentence(words.GOODBYE))
            return
    if call.message_path:
        await call.channel.say(Sentence(words.LEAVE_MESSAGE))
        await call.message(Message(upload=call.message_path, max_seconds=_MESSAGE_SECONDS))
    await call.channel.say(Sentence(words.NOBODY))
