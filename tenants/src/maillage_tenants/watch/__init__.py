"""Watch: the guard of the guard. Are the number, the menu, the ladder, the messages and the tasks doing their work?

A watch call rings each cooperative's real number on a schedule and must be accepted by the test artisan; an audit looks
for what should have ended and has not; a static forward list leaves every day for the operator (R104). Each finding is
an alarm of the desk, once, gone by itself when its cause is. When watch calls fail for two periods the office is also
told by text message and e-mail, and the heartbeat that an outside service waits for stops (`maillage_app.auditing`).
"""

from .queries import Standing, standing
from .service.auditing import LateTask, Report, audit
from .service.forwarding import current_forwards
from .service.running import plan_run

__all__ = ["LateTask", "Report", "Standing", "audit", "current_forwards", "plan_run", "standing"]
