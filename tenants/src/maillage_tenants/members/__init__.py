"""Members: the craft businesses, their people, trades, documents and engagement (R52, R53, R61)."""
