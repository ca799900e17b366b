"""A local mail server that keeps what it receives."""

import asyncio
from dataclasses import dataclass, field
from email import message_from_string
from email.message import Message as ParsedMail


@dataclass
class SmtpServer:
    """Speaks enough SMTP to receive mail; refuses the recipients it is told to refuse, with the code it is told."""

    port: int = 0
    received: list[tuple[str, list[str], str]] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)

    def mails(self) -> list[ParsedMail]:
        return [message_from_string(data) for _, _, data in self.received]

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(line: str) -> None:
            writer.write(f"{line}\r\n".encode())

        sender = ""
        recipients: list[str] = []
        say("220 test")
        while raw := await reader.readline():
            line = raw.decode().strip()
            verb = line.upper()
            if verb.startswith(("EHLO", "HELO")):
                say("250 test")
            elif verb.startswith("MAIL FROM"):
                sender, recipients = line[10:].strip("<> ").split(">")[0], []
                say("250 ok")
            elif verb.startswith("RCPT TO"):
                address = line[8:].strip("<> ")
                if address in self.refuse:
                    say(self.refuse[address])
                else:
                    recipients.append(address)
                    say("250 ok")
            elif verb == "DATA":
                say("354 go on")
                lines = []
                while (text := (await reader.readline()).decode()) != ".\r\n":
                    lines.append(text)
                self.received.append((sender, recipients, "".join(lines)))
                say("250 kept")
            elif verb == "QUIT":
                say("221 bye")
                break
            else:
                say("250 ok")
            await writer.drain()
        writer.close()
        await writer.wait_closed()
