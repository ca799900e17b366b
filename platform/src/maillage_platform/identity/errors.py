"""What sign-in refuses, in words for people; the log has the rest."""

from maillage_kit.errors import AppError

_MESSAGES = {
    "state": "Cette connexion a expiré, a déjà servi ou a été commencée dans un autre navigateur. Recommencez.",
    "denied": "Votre fournisseur d’identité n’a pas confirmé la connexion. Recommencez, ou entrez par e-mail.",
    "issuer": "La réponse ne vient pas du fournisseur attendu. Par prudence, la connexion est refusée.",
    "code": "Votre fournisseur d’identité refuse cette connexion : elle a peut-être déjà servi. Recommencez.",
    "signature": "La signature de votre fournisseur d’identité n’a pas pu être vérifiée. La connexion est refusée.",
    "nonce": "La réponse du fournisseur ne correspond pas à votre demande. Par prudence, la connexion est refusée.",
    "audience": "La réponse du fournisseur est destinée à un autre service. La connexion est refusée.",
    "expired": "La réponse du fournisseur n’est plus valable, ou son horloge est déréglée. Recommencez.",
    "claims": "La réponse du fournisseur est incomplète. Prévenez votre coopérative.",
    "unreachable": "Votre fournisseur d’identité ne répond pas. Demandez plutôt un lien par e-mail.",
    "metadata": "Votre fournisseur d’identité est mal configuré. Prévenez votre coopérative.",
    "unknown_person": (
        "Votre compte n’est pas encore relié à Maillage. Demandez une invitation à votre coopérative, "
        "ou connectez-vous par e-mail puis reliez votre compte."
    ),
    "email_unverified": (
        "Votre fournisseur n’a pas vérifié votre adresse e-mail : elle ne suffit pas à vous reconnaître. "
        "Demandez une invitation à votre coopérative."
    ),
    "email_taken": (
        "Un compte Maillage existe déjà à cette adresse. Connectez-vous par e-mail, puis reliez ce fournisseur."
    ),
    "already_linked": "Ce compte du fournisseur est déjà relié à une autre personne.",
    "disabled": "Ce compte est fermé. Adressez-vous à votre coopérative.",
    "no_access": "Votre compte n’a pas d’accès dans cette coopérative.",
}


class OpenIdRefused(AppError):
    """A sign-in with an identity provider did not come through. `reason` is stable and is what the log says.

    `detail` goes to the log only.
    """

    code = "openid_refused"
    status = 400

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(_MESSAGES[reason])
