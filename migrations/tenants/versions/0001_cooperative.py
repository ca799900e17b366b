"""A cooperative's schema: territory, members, rota, customers, calls, interventions, quotes, invoices, ledger."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

APPEND_ONLY = (
    "audit_entry",
    "call_event",
    "intervention_clock",
    "intervention_event",
    "invoice",
    "invoice_line",
    "ladder_step",
    "ledger_entry",
    "payment",
    "tariff_item",
    "tariff_surcharge",
)

FORBID_CHANGE = """
create function forbid_change() returns trigger language plpgsql as $$
begin
  raise exception 'table % is append-only', tg_table_name using errcode = 'restrict_violation';
end
$$"""

FINAL_LEG = """
create function keep_final_leg() returns trigger language plpgsql as $$
begin
  if old.state not in ('ringing', 'answered') and new.state is distinct from old.state then
    raise exception 'a final leg state never changes' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$"""

KEEP_DUTY = """
create function keep_duty() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    if old.live then
      raise exception 'a published duty is superseded, never deleted' using errcode = 'restrict_violation';
    end if;
    return old;
  end if;
  if old.live and (new.post_id, new.member_id, new.technician_id, new.starts_at, new.ends_at, new.recorded_at, new.live)
     is distinct from (old.post_id, old.member_id, old.technician_id, old.starts_at, old.ends_at, old.recorded_at, old.live)
  then
    raise exception 'a published duty is superseded, never edited' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$"""

KEEP_TARIFF = """
create function keep_tariff() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' or to_jsonb(new) - 'valid_to' is distinct from to_jsonb(old) - 'valid_to' then
    raise exception 'a tariff version is replaced, never edited' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$"""

KEEP_QUOTE = """
create function keep_quote() returns trigger language plpgsql as $$
declare
  state_of_quote text;
begin
  if tg_table_name = 'quote' then
    if tg_op = 'DELETE' then
      if old.state <> 'draft' then
        raise exception 'a quote that was sent is never deleted' using errcode = 'restrict_violation';
      end if;
      return old;
    end if;
    if old.state <> 'draft' and (new.number, new.intervention_id, new.tariff_id, new.kind, new.parties, new.net, new.vat,
        new.gross, new.issued_at, new.valid_until, new.document_sha256, new.document)
      is distinct from (old.number, old.intervention_id, old.tariff_id, old.kind, old.parties, old.net, old.vat,
        old.gross, old.issued_at, old.valid_until, old.document_sha256, old.document)
    then
      raise exception 'a quote that was sent does not change' using errcode = 'restrict_violation';
    end if;
    if old.state in ('signed', 'refused') and new.state is distinct from old.state then
      raise exception 'a signed or refused quote stays so' using errcode = 'restrict_violation';
    end if;
    return new;
  end if;
  select state into state_of_quote from quote where id = coalesce(old.quote_id, new.quote_id);
  if state_of_quote <> 'draft' then
    raise exception 'the lines of a quote that was sent do not change' using errcode = 'restrict_violation';
  end if;
  return coalesce(new, old);
end
$$"""


def upgrade() -> None:
    op.create_table(
        "alarm",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("dedupe_key", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_by", sa.Text(), nullable=True),
        sa.CheckConstraint("severity in ('critical', 'warning')", name=op.f("ck_alarm_severity_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm")),
    )
    op.create_index(op.f("ix_alarm_raised_at"), "alarm", ["raised_at"], unique=False)
    op.create_index(
        "uq_alarm_open", "alarm", ["dedupe_key"], unique=True, postgresql_where=sa.text("resolved_at is null")
    )
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject_type", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    op.create_index(op.f("ix_audit_entry_at"), "audit_entry", ["at"], unique=False)
    op.create_index(
        op.f("ix_audit_entry_subject_type_subject_id"), "audit_entry", ["subject_type", "subject_id"], unique=False
    )
    op.create_table(
        "commune",
        sa.Column("insee", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("postcodes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("population", sa.Integer(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("epci", sa.Text(), nullable=False),
        sa.Column("former_names", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("neighbours", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("search", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("insee", name=op.f("pk_commune")),
    )
    op.create_index(op.f("ix_commune_postcodes"), "commune", ["postcodes"], unique=False, postgresql_using="gin")
    op.create_index(
        op.f("ix_commune_search"), "commune", ["search"], unique=False, postgresql_ops={"search": "text_pattern_ops"}
    )
    op.create_table(
        "member",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("legal_form", sa.Text(), nullable=False),
        sa.Column("siret", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("vat_status", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("postcode", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("joined_on", sa.Date(), nullable=False),
        sa.Column("left_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "category in ('artisan', 'complementary', 'investor', 'union')", name=op.f("ck_member_category_known")
        ),
        sa.CheckConstraint("vat_status in ('standard', 'franchise')", name=op.f("ck_member_vat_status_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member")),
        sa.UniqueConstraint("siret", name=op.f("uq_member_siret")),
    )
    op.create_table(
        "number_counter",
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("series", "year", name=op.f("pk_number_counter")),
    )
    op.create_table(
        "plan",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("trades", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("legal_nature", sa.Text(), nullable=False),
        sa.Column("yearly_price", sa.BigInteger(), nullable=False),
        sa.Column("vat_basis_points", sa.Integer(), nullable=False),
        sa.Column("accept_minutes", sa.Integer(), nullable=True),
        sa.Column("arrive_minutes_urban", sa.Integer(), nullable=True),
        sa.Column("arrive_minutes_rural", sa.Integer(), nullable=True),
        sa.Column("included_interventions", sa.Integer(), nullable=False),
        sa.Column("cost_cap", sa.BigInteger(), nullable=True),
        sa.Column("reimbursement", sa.Boolean(), nullable=False),
        sa.Column("waiting_period_days", sa.Integer(), nullable=False),
        sa.Column("covers_parts", sa.Boolean(), nullable=False),
        sa.Column("legal_opinion", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "legal_nature in ('service', 'maintenance', 'partner_insurance')", name=op.f("ck_plan_legal_nature_known")
        ),
        sa.CheckConstraint(
            "state in ('draft', 'legal_review', 'published', 'withdrawn')", name=op.f("ck_plan_state_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan")),
        sa.UniqueConstraint("code", name=op.f("uq_plan_code")),
    )
    op.create_table(
        "rota",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("semester", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_by", sa.Text(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("frozen_by", sa.Text(), nullable=True),
        sa.CheckConstraint("state in ('draft', 'published', 'frozen', 'abandoned')", name=op.f("ck_rota_state_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rota")),
    )
    op.create_index(
        "uq_rota_semester_live",
        "rota",
        ["semester"],
        unique=True,
        postgresql_where=sa.text("state in ('published','frozen')"),
    )
    op.create_table(
        "sector",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sector")),
        sa.UniqueConstraint("code", name=op.f("uq_sector_code")),
    )
    op.create_table(
        "tariff",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("trade", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("time_counting", sa.Text(), nullable=False),
        sa.Column("quote_price", sa.BigInteger(), nullable=False),
        sa.Column("conditions", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.text("int8range(hashtext(trade), hashtext(trade), '[]')"), "&&"),
            (sa.text("tstzrange(valid_from, valid_to)"), "&&"),
            using="gist",
            name="ex_tariff_no_overlap",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tariff")),
        sa.UniqueConstraint("trade", "version", name=op.f("uq_tariff_trade_version")),
    )
    op.create_index(op.f("ix_tariff_trade_valid_from"), "tariff", ["trade", "valid_from"], unique=False)
    op.create_table(
        "customer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("consumer_status", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("contact_name", sa.Text(), nullable=False),
        sa.Column("siren", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("billing_address", sa.Text(), nullable=False),
        sa.Column("billing_postcode", sa.Text(), nullable=False),
        sa.Column("billing_city", sa.Text(), nullable=False),
        sa.Column("referring_member_id", sa.Uuid(), nullable=True),
        sa.Column("sort_name", sa.Text(), nullable=False),
        sa.Column("search", postgresql.TSVECTOR(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "consumer_status in ('consumer', 'non_professional', 'small_professional', 'professional', 'public')",
            name=op.f("ck_customer_consumer_status_known"),
        ),
        sa.CheckConstraint("kind in ('person', 'organisation')", name=op.f("ck_customer_kind_known")),
        sa.ForeignKeyConstraint(["referring_member_id"], ["member.id"], name=op.f("fk_customer_referring_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer")),
        sa.UniqueConstraint("number", name=op.f("uq_customer_number")),
    )
    op.create_index(op.f("ix_customer_referring_member_id"), "customer", ["referring_member_id"], unique=False)
    op.create_index(op.f("ix_customer_search"), "customer", ["search"], unique=False, postgresql_using="gin")
    op.create_index(op.f("ix_customer_sort_name_id"), "customer", ["sort_name", "id"], unique=False)
    op.create_table(
        "engagement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("units_per_semester", sa.Integer(), nullable=False),
        sa.Column("customers_to_bring", sa.Integer(), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_engagement_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_engagement")),
    )
    op.create_index(op.f("ix_engagement_member_id"), "engagement", ["member_id"], unique=False)
    op.create_table(
        "member_document",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("trade", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("issuer_contact", sa.Text(), nullable=False),
        sa.Column("coverage", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind in ('liability', 'decennial', 'qualification', 'gas', 'register', 'social')",
            name=op.f("ck_member_document_kind_known"),
        ),
        sa.CheckConstraint("valid_to >= valid_from", name=op.f("ck_member_document_period")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_member_document_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member_document")),
    )
    op.create_index(
        op.f("ix_member_document_member_id_kind_valid_to"),
        "member_document",
        ["member_id", "kind", "valid_to"],
        unique=False,
    )
    op.create_table(
        "member_sector",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("sector_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_member_sector_member_id")),
        sa.ForeignKeyConstraint(["sector_id"], ["sector.id"], name=op.f("fk_member_sector_sector_id")),
        sa.PrimaryKeyConstraint("member_id", "sector_id", name=op.f("pk_member_sector")),
    )
    op.create_table(
        "member_trade",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("trade", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_member_trade_member_id")),
        sa.PrimaryKeyConstraint("member_id", "trade", name=op.f("pk_member_trade")),
    )
    op.create_table(
        "on_call_post",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("sector_id", sa.Uuid(), nullable=False),
        sa.Column("trade", sa.Text(), nullable=False),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("rank in (1, 2)", name=op.f("ck_on_call_post_rank_known")),
        sa.ForeignKeyConstraint(["sector_id"], ["sector.id"], name=op.f("fk_on_call_post_sector_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_on_call_post")),
        sa.UniqueConstraint("sector_id", "trade", "rank", name=op.f("uq_on_call_post_sector_id_trade_rank")),
    )
    op.create_table(
        "sector_adjacency",
        sa.Column("semester", sa.Text(), nullable=False),
        sa.Column("trade", sa.Text(), nullable=False),
        sa.Column("sector_id", sa.Uuid(), nullable=False),
        sa.Column("neighbour_id", sa.Uuid(), nullable=False),
        sa.Column("distance_m", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["neighbour_id"], ["sector.id"], name=op.f("fk_sector_adjacency_neighbour_id")),
        sa.ForeignKeyConstraint(["sector_id"], ["sector.id"], name=op.f("fk_sector_adjacency_sector_id")),
        sa.PrimaryKeyConstraint("semester", "trade", "sector_id", "neighbour_id", name=op.f("pk_sector_adjacency")),
    )
    op.create_table(
        "sector_commune",
        sa.Column("semester", sa.Text(), nullable=False),
        sa.Column("trade", sa.Text(), nullable=False),
        sa.Column("insee", sa.Text(), nullable=False),
        sa.Column("sector_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["insee"], ["commune.insee"], name=op.f("fk_sector_commune_insee")),
        sa.ForeignKeyConstraint(["sector_id"], ["sector.id"], name=op.f("fk_sector_commune_sector_id")),
        sa.PrimaryKeyConstraint("semester", "trade", "insee", name=op.f("pk_sector_commune")),
    )
    op.create_index(
        op.f("ix_sector_commune_sector_id_semester_trade"),
        "sector_commune",
        ["sector_id", "semester", "trade"],
        unique=False,
    )
    op.create_table(
        "tariff_item",
        sa.Column("tariff_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tariff_id"], ["tariff.id"], name=op.f("fk_tariff_item_tariff_id")),
        sa.PrimaryKeyConstraint("tariff_id", "code", name=op.f("pk_tariff_item")),
    )
    op.create_table(
        "tariff_surcharge",
        sa.Column("tariff_id", sa.Uuid(), nullable=False),
        sa.Column("band", sa.Text(), nullable=False),
        sa.Column("basis_points", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["tariff_id"], ["tariff.id"], name=op.f("fk_tariff_surcharge_tariff_id")),
        sa.PrimaryKeyConstraint("tariff_id", "band", name=op.f("pk_tariff_surcharge")),
    )
    op.create_table(
        "technician",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("first_name", sa.Text(), nullable=False),
        sa.Column("last_name", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("employed", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_technician_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_technician")),
    )
    op.create_index(op.f("ix_technician_member_id"), "technician", ["member_id"], unique=False)
    op.create_index(op.f("ix_technician_phone"), "technician", ["phone"], unique=False)
    op.create_table(
        "absence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("technician_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("hard", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_absence_period")),
        sa.ForeignKeyConstraint(["technician_id"], ["technician.id"], name=op.f("fk_absence_technician_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absence")),
    )
    op.create_index(op.f("ix_absence_technician_id_starts_at"), "absence", ["technician_id", "starts_at"], unique=False)
    op.create_table(
        "duty",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rota_id", sa.Uuid(), nullable=False),
        sa.Column("post_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("technician_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("superseded_by", sa.Text(), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.text("int8range(post_id, post_id, '[]')"), "&&"),
            (sa.text("tstzrange(starts_at, ends_at)"), "&&"),
            where=sa.text("live and superseded_at is null"),
            using="gist",
            name="ex_duty_no_overlap",
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_duty_period")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_duty_member_id")),
        sa.ForeignKeyConstraint(["post_id"], ["on_call_post.id"], name=op.f("fk_duty_post_id")),
        sa.ForeignKeyConstraint(["rota_id"], ["rota.id"], name=op.f("fk_duty_rota_id")),
        sa.ForeignKeyConstraint(["technician_id"], ["technician.id"], name=op.f("fk_duty_technician_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty")),
    )
    op.create_index(
        "ix_duty_history",
        "duty",
        ["post_id", "starts_at", "recorded_at"],
        unique=False,
        postgresql_where=sa.text("live"),
    )
    op.create_index(
        "ix_duty_on_call",
        "duty",
        ["post_id", "starts_at"],
        unique=False,
        postgresql_where=sa.text("live and superseded_at is null"),
    )
    op.create_index(
        op.f("ix_duty_rota_id_post_id_starts_at"), "duty", ["rota_id", "post_id", "starts_at"], unique=False
    )
    op.create_index(op.f("ix_duty_technician_id_starts_at"), "duty", ["technician_id", "starts_at"], unique=False)
    op.create_table(
        "site",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("complement", sa.Text(), nullable=False),
        sa.Column("insee", sa.Text(), nullable=False),
        sa.Column("postcode", sa.Text(), nullable=False),
        sa.Column("premises_use", sa.Text(), nullable=False),
        sa.Column("over_two_years", sa.Boolean(), nullable=True),
        sa.Column("occupant_name", sa.Text(), nullable=False),
        sa.Column("occupant_phone", sa.Text(), nullable=True),
        sa.Column("access_notes", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "premises_use in ('dwelling', 'business', 'mixed')", name=op.f("ck_site_premises_use_known")
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_site_customer_id")),
        sa.ForeignKeyConstraint(["insee"], ["commune.insee"], name=op.f("fk_site_insee")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
    )
    op.create_index(op.f("ix_site_customer_id"), "site", ["customer_id"], unique=False)
    op.create_index(op.f("ix_site_insee"), "site", ["insee"], unique=False)
    op.create_table(
        "subscription",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "channel in ('in_premises', 'distance_phone', 'distance_web', 'off_premises')",
            name=op.f("ck_subscription_channel_known"),
        ),
        sa.CheckConstraint("state in ('draft', 'active', 'ended')", name=op.f("ck_subscription_state_known")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_subscription_customer_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_subscription_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription")),
        sa.UniqueConstraint("number", name=op.f("uq_subscription_number")),
    )
    op.create_index(op.f("ix_subscription_customer_id"), "subscription", ["customer_id"], unique=False)
    op.create_table(
        "call",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("provider_call_id", sa.Text(), nullable=False),
        sa.Column("called", sa.Text(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("connected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_sequence", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("subscription_id", sa.Uuid(), nullable=True),
        sa.Column("postcode_typed", sa.Text(), nullable=True),
        sa.Column("insee", sa.Text(), nullable=True),
        sa.Column("sector_id", sa.Uuid(), nullable=True),
        sa.Column("trade", sa.Text(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("accepted_position", sa.Integer(), nullable=True),
        sa.Column("routing_note", sa.Text(), nullable=False),
        sa.Column("intervention_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("state in ('menu', 'ringing', 'connected', 'ended')", name=op.f("ck_call_state_known")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_call_customer_id")),
        sa.ForeignKeyConstraint(["insee"], ["commune.insee"], name=op.f("fk_call_insee")),
        sa.ForeignKeyConstraint(
            ["intervention_id"], ["intervention.id"], name=op.f("fk_call_intervention_id"), use_alter=True
        ),
        sa.ForeignKeyConstraint(["sector_id"], ["sector.id"], name=op.f("fk_call_sector_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_call_site_id")),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscription.id"], name=op.f("fk_call_subscription_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call")),
        sa.UniqueConstraint("provider", "provider_call_id", name=op.f("uq_call_provider_provider_call_id")),
    )
    op.create_index(op.f("ix_call_caller"), "call", ["caller"], unique=False)
    op.create_index(op.f("ix_call_intervention_id"), "call", ["intervention_id"], unique=False)
    op.create_index("ix_call_open", "call", ["state"], unique=False, postgresql_where=sa.text("state <> 'ended'"))
    op.create_index(op.f("ix_call_started_at"), "call", ["started_at"], unique=False)
    op.create_table(
        "customer_phone",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("opt_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opt_in_source", sa.Text(), nullable=True),
        sa.Column("opt_in_wording", sa.Text(), nullable=True),
        sa.Column("opt_in_proof", sa.Text(), nullable=True),
        sa.Column("opt_in_revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_customer_phone_customer_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_customer_phone_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_phone")),
        sa.UniqueConstraint("customer_id", "phone", name=op.f("uq_customer_phone_customer_id_phone")),
    )
    op.create_index(op.f("ix_customer_phone_phone"), "customer_phone", ["phone"], unique=False)
    op.create_table(
        "intervention",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("subscription_id", sa.Uuid(), nullable=True),
        sa.Column("referring_member_id", sa.Uuid(), nullable=True),
        sa.Column("caller_name", sa.Text(), nullable=False),
        sa.Column("caller_phone", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("insee", sa.Text(), nullable=True),
        sa.Column("sector_id", sa.Uuid(), nullable=True),
        sa.Column("premises_use", sa.Text(), nullable=True),
        sa.Column("over_two_years", sa.Boolean(), nullable=True),
        sa.Column("trade", sa.Text(), nullable=True),
        sa.Column("type_code", sa.Text(), nullable=True),
        sa.Column("priority", sa.Text(), nullable=True),
        sa.Column("request_words", sa.Text(), nullable=False),
        sa.Column("triage", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("tariff_id", sa.Uuid(), nullable=True),
        sa.Column("announced", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("accept_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("arrive_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("safe_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("technician_id", sa.Uuid(), nullable=True),
        sa.Column("duty_id", sa.Uuid(), nullable=True),
        sa.Column("redirect_code", sa.Text(), nullable=True),
        sa.Column("danger_reason", sa.Text(), nullable=True),
        sa.Column("report", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("report_version", sa.Integer(), nullable=True),
        sa.Column("follow_up_of", sa.Uuid(), nullable=True),
        sa.Column("public_token_hash", sa.Text(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("source in ('phone', 'desk', 'web', 'api')", name=op.f("ck_intervention_source_known")),
        sa.CheckConstraint(
            "state in ('requested', 'offered', 'accepted', 'en_route', 'on_site', 'made_safe', 'on_hold', 'partial', 'done', 'closed', 'redirected', 'cancelled')",
            name=op.f("ck_intervention_state_known"),
        ),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_intervention_call_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_intervention_customer_id")),
        sa.ForeignKeyConstraint(["duty_id"], ["duty.id"], name=op.f("fk_intervention_duty_id")),
        sa.ForeignKeyConstraint(["follow_up_of"], ["intervention.id"], name=op.f("fk_intervention_follow_up_of")),
        sa.ForeignKeyConstraint(["insee"], ["commune.insee"], name=op.f("fk_intervention_insee")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_intervention_member_id")),
        sa.ForeignKeyConstraint(
            ["referring_member_id"], ["member.id"], name=op.f("fk_intervention_referring_member_id")
        ),
        sa.ForeignKeyConstraint(["sector_id"], ["sector.id"], name=op.f("fk_intervention_sector_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_intervention_site_id")),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscription.id"], name=op.f("fk_intervention_subscription_id")),
        sa.ForeignKeyConstraint(["tariff_id"], ["tariff.id"], name=op.f("fk_intervention_tariff_id")),
        sa.ForeignKeyConstraint(["technician_id"], ["technician.id"], name=op.f("fk_intervention_technician_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intervention")),
        sa.UniqueConstraint("number", name=op.f("uq_intervention_number")),
    )
    op.create_index(op.f("ix_intervention_customer_id"), "intervention", ["customer_id"], unique=False)
    op.create_index(
        "ix_intervention_open",
        "intervention",
        ["state", "requested_at"],
        unique=False,
        postgresql_where=sa.text("state <> 'closed'"),
    )
    op.create_index(op.f("ix_intervention_public_token_hash"), "intervention", ["public_token_hash"], unique=True)
    op.create_index(op.f("ix_intervention_requested_at"), "intervention", ["requested_at"], unique=False)
    op.create_index(
        op.f("ix_intervention_technician_id_requested_at"),
        "intervention",
        ["technician_id", "requested_at"],
        unique=False,
    )
    op.create_table(
        "subscription_site",
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_subscription_site_site_id")),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscription.id"], name=op.f("fk_subscription_site_subscription_id")
        ),
        sa.PrimaryKeyConstraint("subscription_id", "site_id", name=op.f("pk_subscription_site")),
    )
    op.create_index(op.f("ix_subscription_site_site_id"), "subscription_site", ["site_id"], unique=False)
    op.create_table(
        "attachment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("intervention_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["intervention_id"], ["intervention.id"], name=op.f("fk_attachment_intervention_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
    )
    op.create_index(op.f("ix_attachment_intervention_id"), "attachment", ["intervention_id"], unique=False)
    op.create_table(
        "call_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("provider_call_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=True),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_call_event_call_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_event")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_call_event_fingerprint")),
    )
    op.create_index(op.f("ix_call_event_call_id_id"), "call_event", ["call_id", "id"], unique=False)
    op.create_table(
        "call_leg",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("provider_leg_id", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("last_sequence", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state in ('ringing', 'answered', 'accepted', 'no_answer', 'busy', 'refused', 'unreachable', 'not_accepted', 'cancelled')",
            name=op.f("ck_call_leg_state_known"),
        ),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_call_leg_call_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_leg")),
        sa.UniqueConstraint("call_id", "position", name=op.f("uq_call_leg_call_id_position")),
    )
    op.create_index("uq_call_leg_provider_leg_id", "call_leg", ["provider_leg_id"], unique=True)
    op.create_table(
        "callback",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.CheckConstraint("(closed_at is null) = (outcome is null)", name=op.f("ck_callback_closed_with_outcome")),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_callback_call_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callback")),
        sa.UniqueConstraint("call_id", name=op.f("uq_callback_call_id")),
    )
    op.create_index(
        "ix_callback_open", "callback", ["due_at"], unique=False, postgresql_where=sa.text("closed_at is null")
    )
    op.create_table(
        "hold",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("intervention_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("state_before", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "reason in ('occupant_absent', 'occupant_refuses', 'no_access', 'emergency_services', 'force_majeure', 'part_awaited')",
            name=op.f("ck_hold_reason_known"),
        ),
        sa.ForeignKeyConstraint(["intervention_id"], ["intervention.id"], name=op.f("fk_hold_intervention_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold")),
    )
    op.create_index(op.f("ix_hold_intervention_id"), "hold", ["intervention_id"], unique=False)
    op.create_table(
        "intervention_clock",
        sa.Column("intervention_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "code in ('T0', 'T1', 'T2', 'T3', 'T4', 'T5', 'T6', 'T7', 'T8', 'T9')",
            name=op.f("ck_intervention_clock_code_known"),
        ),
        sa.ForeignKeyConstraint(
            ["intervention_id"], ["intervention.id"], name=op.f("fk_intervention_clock_intervention_id")
        ),
        sa.PrimaryKeyConstraint("intervention_id", "code", name=op.f("pk_intervention_clock")),
    )
    op.create_table(
        "intervention_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("intervention_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["intervention_id"], ["intervention.id"], name=op.f("fk_intervention_event_intervention_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intervention_event")),
    )
    op.create_index(
        op.f("ix_intervention_event_intervention_id_id"), "intervention_event", ["intervention_id", "id"], unique=False
    )
    op.create_table(
        "ladder_step",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("technician_id", sa.Uuid(), nullable=True),
        sa.Column("duty_id", sa.Uuid(), nullable=True),
        sa.Column("sector_id", sa.Uuid(), nullable=True),
        sa.Column("ring_seconds", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("skipped", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind in ('rank1', 'rank2', 'neighbour', 'manager', 'fallback')", name=op.f("ck_ladder_step_kind_known")
        ),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_ladder_step_call_id")),
        sa.ForeignKeyConstraint(["duty_id"], ["duty.id"], name=op.f("fk_ladder_step_duty_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_ladder_step_member_id")),
        sa.ForeignKeyConstraint(["sector_id"], ["sector.id"], name=op.f("fk_ladder_step_sector_id")),
        sa.ForeignKeyConstraint(["technician_id"], ["technician.id"], name=op.f("fk_ladder_step_technician_id")),
        sa.PrimaryKeyConstraint("call_id", "position", name=op.f("pk_ladder_step")),
    )
    op.create_table(
        "lead",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("intervention_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["intervention_id"], ["intervention.id"], name=op.f("fk_lead_intervention_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_lead_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead")),
    )
    op.create_index(op.f("ix_lead_intervention_id"), "lead", ["intervention_id"], unique=False)
    op.create_index(op.f("ix_lead_member_id"), "lead", ["member_id"], unique=False)
    op.create_table(
        "message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("dedupe_key", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.Column("intervention_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("provider_reference", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint("channel in ('sms', 'email')", name=op.f("ck_message_channel_known")),
        sa.CheckConstraint("state in ('queued', 'sent', 'failed')", name=op.f("ck_message_state_known")),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_message_call_id")),
        sa.ForeignKeyConstraint(["intervention_id"], ["intervention.id"], name=op.f("fk_message_intervention_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_message_dedupe_key")),
    )
    op.create_index(op.f("ix_message_intervention_id"), "message", ["intervention_id"], unique=False)
    op.create_table(
        "offer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("intervention_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("technician_id", sa.Uuid(), nullable=True),
        sa.Column("duty_id", sa.Uuid(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state in ('pending', 'accepted', 'declined', 'expired', 'withdrawn')", name=op.f("ck_offer_state_known")
        ),
        sa.ForeignKeyConstraint(["duty_id"], ["duty.id"], name=op.f("fk_offer_duty_id")),
        sa.ForeignKeyConstraint(["intervention_id"], ["intervention.id"], name=op.f("fk_offer_intervention_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_offer_member_id")),
        sa.ForeignKeyConstraint(["technician_id"], ["technician.id"], name=op.f("fk_offer_technician_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offer")),
        sa.UniqueConstraint("intervention_id", "position", name=op.f("uq_offer_intervention_id_position")),
    )
    op.create_index(
        "ix_offer_pending", "offer", ["due_at"], unique=False, postgresql_where=sa.text("state = 'pending'")
    )
    op.create_index(
        "uq_offer_one_winner", "offer", ["intervention_id"], unique=True, postgresql_where=sa.text("state = 'accepted'")
    )
    op.create_table(
        "quote",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("intervention_id", sa.Uuid(), nullable=False),
        sa.Column("tariff_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("parties", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("surcharge_band", sa.Text(), nullable=False),
        sa.Column("surcharge_basis_points", sa.Integer(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("vat", sa.BigInteger(), nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        sa.Column("vat_certified", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("document_sha256", sa.Text(), nullable=True),
        sa.Column("document", sa.LargeBinary(), nullable=True),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signed_by", sa.Text(), nullable=True),
        sa.Column("signature_method", sa.Text(), nullable=True),
        sa.Column("signature_proof", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("signature_image", sa.LargeBinary(), nullable=True),
        sa.Column("signed_document", sa.LargeBinary(), nullable=True),
        sa.Column("refused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawal_deadline", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind in ('emergency', 'complementary')", name=op.f("ck_quote_kind_known")),
        sa.CheckConstraint("state in ('draft', 'sent', 'signed', 'refused')", name=op.f("ck_quote_state_known")),
        sa.ForeignKeyConstraint(["intervention_id"], ["intervention.id"], name=op.f("fk_quote_intervention_id")),
        sa.ForeignKeyConstraint(["tariff_id"], ["tariff.id"], name=op.f("fk_quote_tariff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quote")),
        sa.UniqueConstraint("number", name=op.f("uq_quote_number")),
    )
    op.create_index(op.f("ix_quote_intervention_id"), "quote", ["intervention_id"], unique=False)
    op.create_table(
        "invoice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("intervention_id", sa.Uuid(), nullable=False),
        sa.Column("quote_id", sa.Uuid(), nullable=True),
        sa.Column("credit_of", sa.Uuid(), nullable=True),
        sa.Column("parties", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_by", sa.Text(), nullable=False),
        sa.Column("service_date", sa.Date(), nullable=False),
        sa.Column("service_place", sa.Text(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("vat", sa.BigInteger(), nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        sa.Column("vat_certification", sa.Text(), nullable=True),
        sa.Column("document_sha256", sa.Text(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("kind in ('note', 'invoice', 'credit_note')", name=op.f("ck_invoice_kind_known")),
        sa.ForeignKeyConstraint(["credit_of"], ["invoice.id"], name=op.f("fk_invoice_credit_of")),
        sa.ForeignKeyConstraint(["intervention_id"], ["intervention.id"], name=op.f("fk_invoice_intervention_id")),
        sa.ForeignKeyConstraint(["quote_id"], ["quote.id"], name=op.f("fk_invoice_quote_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice")),
        sa.UniqueConstraint("credit_of", name=op.f("uq_invoice_credit_of")),
        sa.UniqueConstraint("number", name=op.f("uq_invoice_number")),
    )
    op.create_index(op.f("ix_invoice_intervention_id"), "invoice", ["intervention_id"], unique=False)
    op.create_index(op.f("ix_invoice_issued_at"), "invoice", ["issued_at"], unique=False)
    op.create_table(
        "quote_line",
        sa.Column("quote_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("item_code", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=12, scale=3), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("vat_basis_points", sa.Integer(), nullable=False),
        sa.Column("vat_reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["quote_id"], ["quote.id"], name=op.f("fk_quote_line_quote_id")),
        sa.PrimaryKeyConstraint("quote_id", "position", name=op.f("pk_quote_line")),
    )
    op.create_table(
        "signing_code",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("quote_id", sa.Uuid(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["quote_id"], ["quote.id"], name=op.f("fk_signing_code_quote_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_code")),
    )
    op.create_index(op.f("ix_signing_code_quote_id"), "signing_code", ["quote_id"], unique=False)
    op.create_table(
        "invoice_line",
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("item_code", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=12, scale=3), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("vat_basis_points", sa.Integer(), nullable=False),
        sa.Column("vat_reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_invoice_line_invoice_id")),
        sa.PrimaryKeyConstraint("invoice_id", "position", name=op.f("pk_invoice_line")),
    )
    op.create_table(
        "ledger_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("trade", sa.Text(), nullable=False),
        sa.Column("intervention_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["intervention_id"], ["intervention.id"], name=op.f("fk_ledger_entry_intervention_id")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_ledger_entry_invoice_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_ledger_entry_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entry")),
        sa.UniqueConstraint("invoice_id", name=op.f("uq_ledger_entry_invoice_id")),
    )
    op.create_index(
        op.f("ix_ledger_entry_member_id_trade_occurred_at"),
        "ledger_entry",
        ["member_id", "trade", "occurred_at"],
        unique=False,
    )
    op.create_table(
        "payment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("corrects_id", sa.Uuid(), nullable=True),
        sa.Column("previous_hash", sa.Text(), nullable=False),
        sa.Column("entry_hash", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "method in ('card', 'cheque', 'cash', 'transfer', 'account')", name=op.f("ck_payment_method_known")
        ),
        sa.ForeignKeyConstraint(["corrects_id"], ["payment.id"], name=op.f("fk_payment_corrects_id")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_payment_invoice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment")),
        sa.UniqueConstraint("corrects_id", name=op.f("uq_payment_corrects_id")),
        sa.UniqueConstraint("sequence", name=op.f("uq_payment_sequence")),
    )
    op.create_index(op.f("ix_payment_invoice_id"), "payment", ["invoice_id"], unique=False)
    # ### end Alembic commands ###

    op.create_foreign_key("fk_call_intervention_id", "call", "intervention", ["intervention_id"], ["id"])
    op.execute(FORBID_CHANGE)
    for table in APPEND_ONLY:
        op.execute(
            f"create trigger append_only before update or delete on {table} "
            "for each row execute function forbid_change()"
        )
    op.execute(FINAL_LEG)
    op.execute("create trigger keep_final before update on call_leg for each row execute function keep_final_leg()")
    op.execute(KEEP_DUTY)
    op.execute("create trigger keep_duty before update or delete on duty for each row execute function keep_duty()")
    op.execute(KEEP_TARIFF)
    op.execute(
        "create trigger keep_tariff before update or delete on tariff for each row execute function keep_tariff()"
    )
    op.execute(KEEP_QUOTE)
    op.execute("create trigger keep_quote before update or delete on quote for each row execute function keep_quote()")
    op.execute(
        "create trigger keep_quote_line before insert or update or delete on quote_line "
        "for each row execute function keep_quote()"
    )


def downgrade() -> None:
    op.drop_constraint("fk_call_intervention_id", "call")
    op.drop_index(op.f("ix_payment_invoice_id"), table_name="payment")
    op.drop_table("payment")
    op.drop_index(op.f("ix_ledger_entry_member_id_trade_occurred_at"), table_name="ledger_entry")
    op.drop_table("ledger_entry")
    op.drop_table("invoice_line")
    op.drop_index(op.f("ix_signing_code_quote_id"), table_name="signing_code")
    op.drop_table("signing_code")
    op.drop_table("quote_line")
    op.drop_index(op.f("ix_invoice_issued_at"), table_name="invoice")
    op.drop_index(op.f("ix_invoice_intervention_id"), table_name="invoice")
    op.drop_table("invoice")
    op.drop_index(op.f("ix_quote_intervention_id"), table_name="quote")
    op.drop_table("quote")
    op.drop_index("uq_offer_one_winner", table_name="offer", postgresql_where=sa.text("state = 'accepted'"))
    op.drop_index("ix_offer_pending", table_name="offer", postgresql_where=sa.text("state = 'pending'"))
    op.drop_table("offer")
    op.drop_index(op.f("ix_message_intervention_id"), table_name="message")
    op.drop_table("message")
    op.drop_index(op.f("ix_lead_member_id"), table_name="lead")
    op.drop_index(op.f("ix_lead_intervention_id"), table_name="lead")
    op.drop_table("lead")
    op.drop_table("ladder_step")
    op.drop_index(op.f("ix_intervention_event_intervention_id_id"), table_name="intervention_event")
    op.drop_table("intervention_event")
    op.drop_table("intervention_clock")
    op.drop_index(op.f("ix_hold_intervention_id"), table_name="hold")
    op.drop_table("hold")
    op.drop_index("ix_callback_open", table_name="callback", postgresql_where=sa.text("closed_at is null"))
    op.drop_table("callback")
    op.drop_index("uq_call_leg_provider_leg_id", table_name="call_leg")
    op.drop_table("call_leg")
    op.drop_index(op.f("ix_call_event_call_id_id"), table_name="call_event")
    op.drop_table("call_event")
    op.drop_index(op.f("ix_attachment_intervention_id"), table_name="attachment")
    op.drop_table("attachment")
    op.drop_index(op.f("ix_subscription_site_site_id"), table_name="subscription_site")
    op.drop_table("subscription_site")
    op.drop_index(op.f("ix_intervention_technician_id_requested_at"), table_name="intervention")
    op.drop_index(op.f("ix_intervention_requested_at"), table_name="intervention")
    op.drop_index(op.f("ix_intervention_public_token_hash"), table_name="intervention")
    op.drop_index("ix_intervention_open", table_name="intervention", postgresql_where=sa.text("state <> 'closed'"))
    op.drop_index(op.f("ix_intervention_customer_id"), table_name="intervention")
    op.drop_table("intervention")
    op.drop_index(op.f("ix_customer_phone_phone"), table_name="customer_phone")
    op.drop_table("customer_phone")
    op.drop_index(op.f("ix_call_started_at"), table_name="call")
    op.drop_index("ix_call_open", table_name="call", postgresql_where=sa.text("state <> 'ended'"))
    op.drop_index(op.f("ix_call_intervention_id"), table_name="call")
    op.drop_index(op.f("ix_call_caller"), table_name="call")
    op.drop_table("call")
    op.drop_index(op.f("ix_subscription_customer_id"), table_name="subscription")
    op.drop_table("subscription")
    op.drop_index(op.f("ix_site_insee"), table_name="site")
    op.drop_index(op.f("ix_site_customer_id"), table_name="site")
    op.drop_table("site")
    op.drop_index(op.f("ix_duty_technician_id_starts_at"), table_name="duty")
    op.drop_index(op.f("ix_duty_rota_id_post_id_starts_at"), table_name="duty")
    op.drop_index("ix_duty_on_call", table_name="duty", postgresql_where=sa.text("live and superseded_at is null"))
    op.drop_index("ix_duty_history", table_name="duty", postgresql_where=sa.text("live"))
    op.drop_table("duty")
    op.drop_index(op.f("ix_absence_technician_id_starts_at"), table_name="absence")
    op.drop_table("absence")
    op.drop_index(op.f("ix_technician_phone"), table_name="technician")
    op.drop_index(op.f("ix_technician_member_id"), table_name="technician")
    op.drop_table("technician")
    op.drop_table("tariff_surcharge")
    op.drop_table("tariff_item")
    op.drop_index(op.f("ix_sector_commune_sector_id_semester_trade"), table_name="sector_commune")
    op.drop_table("sector_commune")
    op.drop_table("sector_adjacency")
    op.drop_table("on_call_post")
    op.drop_table("member_trade")
    op.drop_table("member_sector")
    op.drop_index(op.f("ix_member_document_member_id_kind_valid_to"), table_name="member_document")
    op.drop_table("member_document")
    op.drop_index(op.f("ix_engagement_member_id"), table_name="engagement")
    op.drop_table("engagement")
    op.drop_index(op.f("ix_customer_sort_name_id"), table_name="customer")
    op.drop_index(op.f("ix_customer_search"), table_name="customer", postgresql_using="gin")
    op.drop_index(op.f("ix_customer_referring_member_id"), table_name="customer")
    op.drop_table("customer")
    op.drop_index(op.f("ix_tariff_trade_valid_from"), table_name="tariff")
    op.drop_table("tariff")
    op.drop_table("sector")
    op.drop_index(
        "uq_rota_semester_live", table_name="rota", postgresql_where=sa.text("state in ('published','frozen')")
    )
    op.drop_table("rota")
    op.drop_table("plan")
    op.drop_table("number_counter")
    op.drop_table("member")
    op.drop_index(op.f("ix_commune_search"), table_name="commune", postgresql_ops={"search": "text_pattern_ops"})
    op.drop_index(op.f("ix_commune_postcodes"), table_name="commune", postgresql_using="gin")
    op.drop_table("commune")
    op.drop_index(op.f("ix_audit_entry_subject_type_subject_id"), table_name="audit_entry")
    op.drop_index(op.f("ix_audit_entry_at"), table_name="audit_entry")
    op.drop_table("audit_entry")
    op.drop_index("uq_alarm_open", table_name="alarm", postgresql_where=sa.text("resolved_at is null"))
    op.drop_index(op.f("ix_alarm_raised_at"), table_name="alarm")
    op.drop_table("alarm")
    # ### end Alembic commands ###

    op.execute("drop function forbid_change, keep_final_leg, keep_duty, keep_tariff, keep_quote")
