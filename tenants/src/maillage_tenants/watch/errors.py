"""What the watch refuses."""

from maillage_kit.errors import Conflict


class WatchNotSet(Conflict):
    """The installation has no number to call from."""

    def __init__(self) -> None:
        super().__init__("Les appels d’essai ne sont pas réglés sur cette installation : prévenez la fédération.")


class RunUnderWay(Conflict):
    """A watch call is not over yet."""

    def __init__(self) -> None:
        super().__init__("Un appel d’essai est déjà en cours : attendez sa fin.")
