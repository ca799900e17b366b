"""The locksmith trade (Serrurerie)."""
