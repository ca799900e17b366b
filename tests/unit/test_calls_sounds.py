"""What a plan becomes when it records, plays the cooperative's own voice, or joins two people."""

import dataclasses
from uuid import UUID
from xml.etree import ElementTree

import pytest
from pydantic import SecretStr

from maillage_kit.context import CooperativeContext, TenantRef
from maillage_tenants.calls import rules, sounds, words
from maillage_tenants.calls.carriers.twiml import Fields, TwimlCarrier
from maillage_tenants.calls.plan import Ask, Dial, Gather, MenuTurn, Record, Say, Spoken, StepTurn
from maillage_tenants.recordings.rules import words_digest

COOPERATIVE, CALL = UUID(int=7), UUID(int=8)
HERE = f"https://urgence.example.fr/telephony/twiml/{COOPERATIVE}/{CALL}"
SECRET = SecretStr("a secret of this test")
EURE = CooperativeContext(
    id=COOPERATIVE,
    slug="eure",
    name="Dépannage Eure",
    legal_name="Coopérative de l’Eure",
    legal_form="SCA",
    siren="732829320",
    department="27",
    address="Évreux",
    email="contact@eure.example",
    public_number="+33232402727",
    manager_name="Hélène Marchand",
    manager_phone="+33612345601",
    fallback_phone="+33232402700",
    mediator_name="Médiation",
    mediator_contact="Rouen",
    timezone="Europe/Paris",
    trades=(),
    tenant=TenantRef(COOPERATIVE, "t0001", "r"),
)


def voiced(*sentences: Spoken, version: str = "0123456789abcdef") -> CooperativeContext:
    own = {sentence.prompt: f"{words_digest(sentence)}.{version}" for sentence in sentences}
    return dataclasses.replace(EURE, own_prompts=own)


def render(*plan, cooperative: CooperativeContext = EURE) -> ElementTree.Element:
    carrier = TwimlCarrier("https://urgence.example.fr", secret=SECRET)
    return ElementTree.fromstring(carrier.render(plan, cooperative=cooperative, call_id=CALL))


def test_every_fixed_sentence_has_one_name() -> None:
    assert len(words.SENTENCES) > 25
    assert all(name == sentence.prompt and sentence.strip() for name, sentence in words.SENTENCES.items())
    assert Say(words.HOLD_ON).prompt == "hold_on"
    assert Say("Pour Évreux, tapez 1.").prompt is None


def test_a_recorded_sentence_is_played_and_the_others_are_said() -> None:
    plan = (Say(words.HOLD_ON), Gather((words.ASK_POSTCODE, words.POSTCODE_AGAIN), 5, 8, MenuTurn(Ask.POSTCODE, 1)))
    said, gather = render(*plan, cooperative=voiced(words.ASK_POSTCODE))
    played, again = gather
    assert (said.tag, said.text, again.tag) == ("Say", words.HOLD_ON, "Say")
    token = sounds.token(COOPERATIVE, "ask_postcode", "0123456789abcdef", secret=SECRET)
    path = f"/telephony/audio/{COOPERATIVE}/ask_postcode/0123456789abcdef/{token}"
    assert (played.tag, played.text) == ("Play", f"https://urgence.example.fr{path}")
    assert len(token) > 40
    assert token != sounds.token(COOPERATIVE, "ask_postcode", "0123456789abcdef", secret=SecretStr("another"))


def test_the_recording_of_other_words_is_not_played() -> None:
    """The name of the cooperative, its trades or our own words changed: the synthetic voice says the new ones."""
    before = voiced(words.greeting("Dépannage 27"))
    (said,) = render(Say(words.greeting("Dépannage Eure")), cooperative=before)
    assert (said.tag, said.text) == ("Say", "Vous êtes bien chez Dépannage Eure, dépannage d’urgence.")
    assert render(Say(words.greeting("Dépannage 27")), cooperative=before)[0].tag == "Play"


def test_a_message_is_recorded_after_a_tone() -> None:
    (record,) = render(Record(120))
    assert (record.get("maxLength"), record.get("playBeep"), record.get("finishOnKey")) == ("120", "true", "#")
    assert record.get("action") == f"{HERE}/recorded"
    assert record.get("recordingStatusCallback") == f"{HERE}/recording/message"


def test_a_conversation_is_recorded_only_when_the_plan_says_so() -> None:
    dial = Dial("+33612345678", "+33232402727", 20, StepTurn(0))
    (plain,), (kept,) = render(dial), render(dataclasses.replace(dial, record=True))
    assert plain.get("record") is None and plain.get("recordingStatusCallback") is None
    assert kept.get("record") == "record-from-answer-dual"
    assert kept.get("recordingStatusCallback") == f"{HERE}/recording/conversation"


def test_two_people_are_joined_without_a_whisper_under_the_pools_number() -> None:
    said, dial = render(*rules.masked_plan("+33612345678", shown="+33232402790", masked_call=UUID(int=9)))
    assert said.text == words.MASKED_HOLD
    assert dial.get("callerId") == "+33232402790"  # R103
    assert dial.get("action") == f"https://urgence.example.fr/telephony/twiml/{COOPERATIVE}/masked/{UUID(int=9)}/over"
    (number,) = dial
    assert (number.text, number.attrib) == ("+33612345678", {})


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"RecordingSid": "RE1", "RecordingUrl": "https://x/RE1", "RecordingDuration": "12"}, ("RE1", 12)),
        ({"RecordingSid": "RE1", "RecordingUrl": "https://x/RE1", "RecordingStatus": "completed"}, ("RE1", None)),
        ({"RecordingSid": "RE1", "RecordingUrl": "https://x/RE1", "RecordingStatus": "in-progress"}, None),
        ({"RecordingSid": "RE1", "RecordingStatus": "absent"}, None),
        ({"CallSid": "CA1"}, None),
    ],
)
def test_a_recording_is_told_once_it_is_ready(told: dict[str, str], expected: tuple[str, int | None] | None) -> None:
    news = Fields.of("/x", list(told.items())).recording()
    assert (None if news is None else (news.reference, news.seconds)) == expected
