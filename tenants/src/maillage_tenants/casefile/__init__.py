"""Case file: one case told on one page, and the acts that close it."""
