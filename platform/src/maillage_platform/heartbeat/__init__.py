"""Heartbeats: what runs by itself says when it last looked and when it last found everything on time."""

from maillage_platform.heartbeat.service import Beat, beat, last_beat, late_tasks

__all__ = ["Beat", "beat", "last_beat", "late_tasks"]
