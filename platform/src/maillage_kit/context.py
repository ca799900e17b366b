"""What the control plane tells a cooperative's own code about the request: which cooperative, who acts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from maillage_kit.departments import department_label
from maillage_kit.permissions import GRANTS, ROLE_LABELS, VISITOR, Permission, Role


@dataclass(frozen=True, slots=True)
class TenantRef:
    """Where one cooperative's data lives. `schema` and `role` are immutable; the slug in addresses is not."""

    cooperative_id: UUID
    schema: str
    role: str


@dataclass(frozen=True, slots=True)
class CooperativeContext:
    """One cooperative as its own code sees it: a frozen copy of the directory's row.

    The last three are what a call must know without a question to the database: the numbers that join an artisan and a
    customer, whether conversations may be recorded (R70), and the sentences that the cooperative recorded itself, by
    name, as `<digest of the words>.<version of the recording>`.
    """

    id: UUID
    slug: str
    name: str
    legal_name: str
    legal_form: str
    siren: str
    department: str
    address: str
    email: str
    public_number: str
    manager_name: str
    manager_phone: str
    fallback_phone: str
    mediator_name: str
    mediator_contact: str
    timezone: str
    trades: tuple[str, ...]
    tenant: TenantRef
    pool_numbers: tuple[str, ...] = ()
    records_calls: bool = False
    own_prompts: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def department_label(self) -> str:
        """« Eure (27) »."""
        return department_label(self.department)


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody of the federation's support is inside the cooperative that they look at, to read, until `expires_at`."""

    id: UUID
    reason: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Actor:
    """A signed-in person wearing one hat. `member_id` and `technician_id` are set for members and technicians,
    `customer_id` for the person of a customer."""

    account_id: UUID
    display_name: str
    email: str
    role: Role
    cooperative_id: UUID | None = None
    member_id: UUID | None = None
    technician_id: UUID | None = None
    customer_id: UUID | None = None
    has_other_hats: bool = False
    has_second_factor: bool = False
    visit: Visit | None = None

    @property
    def role_label(self) -> str:
        return ROLE_LABELS[self.role]

    @property
    def permissions(self) -> frozenset[Permission]:
        """What this person may do here."""
        return VISITOR if self.visit else GRANTS[self.role]

    def may(self, *permissions: Permission | str) -> bool:
        """Whether this person holds one of these at least."""
        return not self.permissions.isdisjoint(permissions)
