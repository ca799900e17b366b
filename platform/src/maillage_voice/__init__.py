"""The voice menu of our own switchboard: answers calls, speaks, listens to keys, hunts people, joins them, records.

A process of its own (`./maillage voice`). It knows `maillage_kit` only: what to say and whom to ring comes from the
application as JSON plans (`plans.py`); when the application is slow, wrong or down, it goes on alone (`rescue.py`).

Two threads: sippy's loop (`sip.py`) in the main one, as it demands; everything else on one asyncio loop.
"""
