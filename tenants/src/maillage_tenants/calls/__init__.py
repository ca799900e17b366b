"""Calls: from the ring of the single number to a person; never lost (rule 1), always explained (rule 3)."""
