"""Messages: texts and e-mails of the cooperative, written with what caused them.

A row and a task in the same transaction; the task gives it to a carrier. Nothing pretends: without a carrier in
production a message fails and raises an alarm.
"""

from .models import Channel, MessageState
from .queries import MessageRow, recent_messages
from .service import send_email, send_sms

__all__ = ["Channel", "MessageRow", "MessageState", "recent_messages", "send_email", "send_sms"]
