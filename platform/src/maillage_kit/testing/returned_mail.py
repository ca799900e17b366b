"""Mail that comes back, written as Postfix, Exim and Exchange write it: text with our address of returns left open."""

POSTFIX = """\
Return-Path: <>
X-Original-To: {to}
Delivered-To: {to}
From: MAILER-DAEMON@mx.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: {to}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
	boundary="3CD5E1C0A1.1770000000/mx.example"

--3CD5E1C0A1.1770000000/mx.example
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.example.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients.

<ana@client.example>: host mail.client.example[192.0.2.7] said: 550 5.1.1
    <ana@client.example>: Recipient address rejected: User unknown (in reply to
    RCPT TO command)

--3CD5E1C0A1.1770000000/mx.example
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example
X-Postfix-Queue-ID: 3CD5E1C0A1
Arrival-Date: Mon,  1 Mar 2027 09:00:02 +0100 (CET)

Final-Recipient: rfc822; ana@client.example
Original-Recipient: rfc822;ana@client.example
Action: {action}
Status: {status}
Remote-MTA: dns; mail.client.example
Diagnostic-Code: {said}

--3CD5E1C0A1.1770000000/mx.example
Content-Description: Undelivered Message
Content-Type: message/rfc822

From: =?utf-8?q?D=C3=A9pannage_Eure?= <depart@maillage.example>
To: ana@client.example
Subject: Votre devis

Bonjour
--3CD5E1C0A1.1770000000/mx.example--
"""

EXIM = """\
Return-path: <>
Envelope-to: {to}
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@relay.example>
To: {to}
Content-Type: multipart/report; report-type=delivery-status; boundary=1770000000-eximdsn-42
MIME-Version: 1.0
Subject: Mail delivery failed: returning message to sender

--1770000000-eximdsn-42
Content-type: text/plain; charset=us-ascii

This message was created automatically by mail delivery software.

--1770000000-eximdsn-42
Content-type: message/delivery-status

Reporting-MTA: dns; relay.example

Action: {action}
Final-Recipient: rfc822;ana@client.example
Status: {status}
Remote-MTA: dns; mail.client.example
Diagnostic-Code: {said}

--1770000000-eximdsn-42
Content-type: message/rfc822

Subject: Votre devis

--1770000000-eximdsn-42--
"""

EXCHANGE = """\
From: <postmaster@client.example>
To: <{to}>
Subject: Non remis : Votre devis
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
 boundary="b1_dsn_PR3P195MB"
Content-Language: fr-FR
X-MS-Exchange-Message-Is-Ndr:

--b1_dsn_PR3P195MB
Content-Type: multipart/alternative; differences=Content-Type;
 boundary="b2_dsn_PR3P195MB"

--b2_dsn_PR3P195MB
Content-Type: text/plain; charset="utf-8"
Content-Transfer-Encoding: quoted-printable

Votre message =C3=A0 ana@client.example n=E2=80=99a pas pu =C3=AAtre remis.

--b2_dsn_PR3P195MB
Content-Type: text/html; charset="utf-8"

<html><body>Non remis</body></html>

--b2_dsn_PR3P195MB--

--b1_dsn_PR3P195MB
Content-Type: message/delivery-status

Reporting-MTA: dns;PR3P195MB0001.EURP195.PROD.OUTLOOK.COM
Received-From-MTA: dns;mx.example
Arrival-Date: Mon, 1 Mar 2027 08:00:03 +0000

Final-Recipient: rfc822;ana@client.example
Action: {action}
Status: {status}
Diagnostic-Code: {said}
X-Display-Name: ana@client.example

--b1_dsn_PR3P195MB
Content-Type: message/rfc822

Subject: Votre devis

--b1_dsn_PR3P195MB--
"""

ABSENCE = """\
From: Ana <ana@client.example>
To: {to}
Subject: Absente jusqu'au 8 mars
Auto-Submitted: auto-replied
Content-Type: text/plain; charset=utf-8

Je suis en vacances.
"""


def returned(form: str, *, to: str, action: str = "failed", status: str = "", said: str = "") -> bytes:
    """One of the texts above, as its bytes with the line ends of the network."""
    return form.format(to=to, action=action, status=status, said=said).replace("\n", "\r\n").encode()
