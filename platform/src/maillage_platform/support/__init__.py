"""The federation's support inside a cooperative: only where it is permitted, with a reason, for an hour at most."""
