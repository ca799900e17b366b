"""What a visit is refused for."""

from maillage_kit.errors import Forbidden


class NotPermitted(Forbidden):
    """The cooperative has not said that the federation's support may come in."""

    code = "support_not_permitted"
    message = "Cette coopérative ne permet pas l’assistance : demandez à sa gérance de l’ouvrir dans ses réglages."
