"""The pages of messages, of the desk and of a technician; carriers that are off."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import httpx

from maillage_app.runtime import Runtime
from maillage_app.testing.applications import application_of
from maillage_kit.permissions import Role
from maillage_kit.settings import (
    Settings,
)
from maillage_kit.testing.message_carriers import FakePushService, FakeTwilio
from maillage_tenants import messages


async def test_the_desk_reads_messages_with_their_attempts(post, twilio: FakeTwilio, sign_in: Any) -> None:
    twilio.refuse[post.karim.phone] = (400, 21211)
    failed = await post.tell("offer_withdrawn")
    await post.work()
    office = await sign_in(Role.MANAGER, post.cooperative)
    listed = await office.get("/c/eure/messages?show=failed")
    assert f"/c/eure/messages/{failed}" in listed.text
    one = await office.get(f"/c/eure/messages/{failed}")
    assert "adresse hors service" in one.text
    assert (await office.get("/c/eure/messages?after=zzz")).status_code == 422
    assert (await office.get("/c/eure/messages?show=held")).status_code == 200
    saved = await office.post(
        "/c/eure/messages/policy", {"quiet_from": "22:30", "quiet_to": "07:00", "routine_per_hour": "3"}
    )
    assert saved.status_code == 303
    form = await office.get("/c/eure/messages/policy")
    assert 'value="22:30"' in form.text
    wrong = await office.post(
        "/c/eure/messages/policy", {"quiet_from": "tard", "quiet_to": "07:00", "routine_per_hour": "0"}
    )
    assert wrong.status_code == 422
    assert "tard" in wrong.text


async def test_a_technician_turns_notifications_on_and_tries_them(
    post, twilio: FakeTwilio, phone: FakePushService, crew: Any, sign_in: Any, settings: Settings
) -> None:
    push = post.runtime.settings.push.model_copy(update={"hosts": ("push.example",)})
    here = post.runtime.settings.model_copy(update={"push": push, "web": settings.web})
    runtime = replace(post.runtime, settings=here)
    member = await sign_in(
        Role.MEMBER,
        post.cooperative,
        member_id=crew.artisans[0].member_id,
        technician_id=crew.artisans[0].technician_id,
    )
    app = application_of(runtime)
    transport = httpx.ASGITransport(app=app)
    session = {"maillage_session": member.client.cookies["maillage_session"]}
    async with httpx.AsyncClient(transport=transport, base_url=settings.web.public_url, cookies=session) as client:
        shown = await client.get("/c/eure/field/notifications", headers={"accept": "text/html"})
        assert "data-push" in shown.text
        headers = {"x-csrftoken": client.cookies["maillage_csrf"], "accept": "text/html"}
        devices = "/c/eure/field/notifications/devices"
        for endpoint, status in (
            ("https://169.254.169.254/latest", 422),  # we only post to push services that we know
            ("http://push.example/a", 422),
            ("https://push.example.evil.example/a", 422),
            ("https://push.example/a", 204),
        ):
            document = {"endpoint": endpoint, "keys": {"p256dh": phone.key, "auth": phone.auth}, "expirationTime": None}
            assert (await client.post(devices, json=document, headers=headers)).status_code == status, endpoint
        bad = {"endpoint": "https://push.example/b", "keys": {"p256dh": "AAAA", "auth": phone.auth}}
        assert (await client.post(devices, json=bad, headers=headers)).status_code == 422
        assert (await client.post(devices, content=b"{", headers=headers)).status_code == 422
        saved = await client.post(
            "/c/eure/field/notifications",
            data={"order": "sms,push,email", "sms_after": "20", "voice_call": "1"},
            headers=headers,
        )
        assert saved.status_code == 303
        wrong = await client.post("/c/eure/field/notifications", data={"sms_after": "7"}, headers=headers)
        assert wrong.status_code == 422
        for _ in range(2):  # pressed twice within a minute: one message
            assert (await client.post("/c/eure/field/notifications/try", headers=headers)).status_code == 303
        await post.work()
        (text,) = twilio.texts
        assert text["body"] == (
            "Dépannage Eure : message d'essai demandé par Camille Test. Si vous le lisez, tout fonctionne."
        )
        assert (await client.post(f"{devices}/forget", headers=headers)).status_code == 303
    async with post.runtime.database.tenant(post.cooperative.tenant) as tenant:
        assert not await messages.live_subscriptions(tenant, technician_id=crew.artisans[0].technician_id)


async def test_webhooks_of_carriers_that_are_off_are_not_there(runtime: Runtime, visitor: Any) -> None:
    path = f"/telephony/messages/twilio/{uuid4()}/{uuid4()}"
    for method, address in (
        ("POST", path),
        ("POST", path.replace("twilio", "call")),
        ("POST", "/telephony/messages/twilio/inbound"),
        ("GET", "/telephony/messages/ovh/secret/receipt?id=1&dlr=1"),
        ("POST", f"/telephony/messages/push/{uuid4()}/{uuid4()}/jeton"),
    ):
        assert (await visitor.client.request(method, address)).status_code == 404, address
