"""Front door: what a customer of the cooperative meets without an account: ask, follow, sign, see prices."""
