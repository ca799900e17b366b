"""The French words that case templates share."""

from typing import Any

from maillage_tenants import interventions, reviews
from maillage_tenants.casefile import story


def case_words() -> dict[str, Any]:
    """Labels by code, for the templates of the case, on the desk and on the phone."""
    return {
        "step_labels": story.STEP_LABELS,
        "leg_labels": story.LEG_LABELS,
        "source_labels": story.SOURCE_LABELS,
        "method_labels": story.METHOD_LABELS,
        "hold_labels": {reason.value: label for reason, label in interventions.HOLD_LABELS.items()},
        "danger_choices": [(danger.value, label) for danger, label in interventions.DANGER_LABELS.items()],
        "attachment_labels": interventions.ATTACHMENT_LABELS,
        "rating_labels": reviews.RATINGS,
    }
