"""Refusals of the rota."""

from collections.abc import Sequence

from maillage_kit.errors import Conflict, Invalid, NotFound

SHOWN = 20
"""Gaps named in one message before « et N autres »."""


class UnknownRota(NotFound):
    code = "unknown_rota"
    message = "Ce planning n’existe pas."


class UnknownDuty(NotFound):
    code = "unknown_duty"
    message = "Cette astreinte n’existe pas."


class UnknownRun(NotFound):
    code = "unknown_run"
    message = "Ce calcul n’existe pas."


class RunIsOver(Conflict):
    code = "run_is_over"
    message = "Ce calcul est terminé."


class TooManyRuns(Conflict):
    code = "too_many_runs"
    message = "Deux calculs sont déjà en cours : attendez leur fin ou arrêtez-en un."


class NothingToApply(Conflict):
    code = "nothing_to_apply"
    message = "Ce calcul ne propose aucun changement qui puisse encore être appliqué."


class RotaMoved(Conflict):
    """The published rota is no longer what the repair was solved from."""

    code = "rota_moved"
    message = "Le planning publié a changé depuis ce calcul : relancez-le."


class NobodyToPlan(Invalid):
    code = "nobody_to_plan"
    message = "Aucun secteur ou aucun associé engagé ce semestre : il n’y a rien à planifier."


class RotaExists(Conflict):
    code = "rota_exists"
    message = "Ce semestre a déjà un planning publié : modifiez ses astreintes une par une, avec un motif."


class NotADraft(Conflict):
    code = "not_a_draft"
    message = "Ce planning n’est plus un brouillon."


class NotPublished(Conflict):
    code = "not_published"
    message = "Seul un planning publié peut être figé."


class RotaFrozen(Conflict):
    code = "rota_frozen"
    message = "Ce planning est figé : seul le remplacement d’une personne reste possible, avec un motif."


class DutyChanged(Conflict):
    code = "duty_changed"
    message = "Cette astreinte a déjà été modifiée. Rechargez le planning."


class DutyOverlap(Conflict):
    """Refused by the database: `ex_duty_no_overlap`."""

    code = "duty_overlap"
    message = "Quelqu’un est déjà d’astreinte à ce poste sur une partie de cette période."


class TwoPlaces(Conflict):
    code = "two_places"
    message = "Cette personne est déjà d’astreinte ailleurs sur une partie de cette période."


class NotAssignable(Conflict):
    """The reason of R8, R52 or R61 is the message."""

    code = "not_assignable"


class ReasonRequired(Invalid):
    code = "reason_required"

    def __init__(self) -> None:
        super().__init__(
            "Indiquez le motif : il reste dans l’historique.", fields={"reason": "Indiquez le motif du changement."}
        )


class RotaHasGaps(Conflict):
    """A rota with holes is published only with a written reason. `gaps`: the holes, named in French."""

    code = "rota_has_gaps"

    def __init__(self, gaps: Sequence[str]) -> None:
        self.gaps = tuple(gaps)
        more = len(gaps) - SHOWN
        named = " ; ".join(gaps[:SHOWN]) + (f" ; et {more} autre{'s' if more > 1 else ''}" if more > 0 else "")
        super().__init__(
            f"{'1 période n’est pas couverte' if len(gaps) == 1 else f'{len(gaps)} périodes ne sont pas couvertes'}"
            f" : {named}."
        )


class RotaBroken(Conflict):
    """Duties that nobody may publish: two people on a post, one person in two places, documents not valid."""

    code = "rota_broken"

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        more = len(problems) - SHOWN
        super().__init__(
            "À corriger avant de publier : "
            + " ; ".join(problems[:SHOWN])
            + (f" ; et {more} de plus" if more > 0 else "")
            + "."
        )


class UnknownAbsence(NotFound):
    code = "unknown_absence"
    message = "Cette absence n’existe pas."


class AbsenceDecided(Conflict):
    code = "absence_decided"
    message = "Cette absence a déjà reçu une réponse."


class AbsenceKnown(Conflict):
    code = "absence_known"
    message = "Cette absence est déjà demandée ou accordée sur ces dates."


class UnknownSwap(NotFound):
    code = "unknown_swap"
    message = "Cette proposition n’existe pas."


class SwapOver(Conflict):
    """Taken by somebody else, answered already, or the duty has changed since."""

    code = "swap_over"
    message = "Trop tard : cette proposition a déjà reçu une réponse."


class SwapOpen(Conflict):
    """Refused by the database: `uq_swap_open`."""

    code = "swap_open"
    message = "Une proposition est déjà en attente pour cette astreinte : annulez-la d’abord."


class DutyBegun(Conflict):
    code = "duty_begun"
    message = "Cette astreinte a déjà commencé."


class AgreementRequired(Invalid):
    """R63: fifteen days before, nobody gets a duty without having agreed."""

    code = "agreement_required"

    def __init__(self) -> None:
        super().__init__(
            "À moins de 15 jours, la personne doit être d’accord.",
            fields={"agreement": "Demandez-lui, ou indiquez qu’elle a accepté de vive voix."},
        )


class NoticeTooShort(Conflict):
    """R63: one clear day at least."""

    code = "notice_too_short"
    message = (
        "Un salarié est prévenu au moins un jour franc avant (R63) : choisissez une autre personne, "
        "ou il reprend lui-même l’astreinte depuis son téléphone."
    )


class UnreadableFile(Invalid):
    code = "unreadable_file"
    message = "Ce fichier ne peut pas être lu."
