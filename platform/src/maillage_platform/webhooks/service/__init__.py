"""What is done with webhooks: addresses kept, events recorded for them, tests and replays."""
