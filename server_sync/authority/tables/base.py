"""What all tables share: one metadata, names that stay the same, and the columns that every row has.

Constraints and indexes have stable names, because the authority turns a violated one into words:
``ck_<table>_<what>``, ``fk_<table>_<columns>``, ``uq_<table>_<columns>``, ``ex_<table>_<what>``.
"""

from __future__ import annotations

from typing import Any, Final, get_args

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.types import UserDefinedType

metadata: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

NOT_DELETED: Final = text("deleted IS NOT TRUE")


class Xid8(UserDefinedType[str]):
    """A full transaction id: it never wraps, so that it can be compared for ever."""

    cache_ok = True

    def get_col_spec(self, **kw: Any) -> str:
        """Its name in SQL."""
        return "xid8"


def reference(name: str, to: str, *, optional: bool = False, at_commit: bool = False) -> Column[Any]:
    """A foreign key to the id of table *to*; ``at_commit`` where a row may name one that is made only after it."""
    later: dict[str, Any] = {"deferrable": True, "initially": "DEFERRED"} if at_commit else {}
    return Column(name, Uuid, ForeignKey(f"{to}.id", **later), nullable=optional)


def moment(name: str, *, optional: bool = False) -> Column[Any]:
    """A point in time; aware, in UTC."""
    return Column(name, DateTime(timezone=True), nullable=optional)


def one_of(name: str, words: Any, *, optional: bool = False) -> tuple[Column[Any], CheckConstraint]:
    """A text column that holds one of a ``Literal``'s words, and the check that sees to it."""
    listed = ", ".join(f"'{word}'" for word in get_args(words))
    return Column(name, Text, nullable=optional), CheckConstraint(f"{name} IN ({listed})", name)


def stamps(*, created: str = "created_at") -> tuple[Column[Any], ...]:
    """When the row was made and last changed, and by which transaction; triggers keep the last two."""
    return (
        Column(created, DateTime(timezone=True), nullable=False, server_default=text("now()")),
        Column("updated_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
        Column("last_xid", Xid8, nullable=False, server_default=text("pg_current_xact_id()")),
    )


def table(name: str, *parts: Any, programme_checked: bool = True) -> Table:
    """A table of one programme's rows: id, programme, *parts*, the deletion flag and the stamps.

    The feed's index serves looking up by programme as well. ``programme_checked`` is False where the programme follows
    from another row: checking it for every claim would have all transactions lock the one programme.
    """
    belongs = Column("programme_id", Uuid, nullable=False)
    if programme_checked:
        belongs = reference("programme_id", "programmes")
    made = Table(
        name, metadata, Column("id", Uuid, primary_key=True), belongs, *parts, Column("deleted", Boolean), *stamps()
    )
    Index(None, made.c.programme_id, made.c.last_xid)
    return made


def unique_ref() -> UniqueConstraint:
    """No two rows of a table share a ref."""
    return UniqueConstraint("ref")


def unique_external_id(name: str) -> Index:
    """An external id names one row of its programme, deleted ones aside."""
    return Index(
        f"uq_{name}_programme_id_external_id", "programme_id", "external_id", unique=True, postgresql_where=NOT_DELETED
    )


def check(name: str, condition: str) -> CheckConstraint:
    """A condition on each row; the full name becomes ``ck_<table>_<name>``."""
    return CheckConstraint(condition, name)


def lookup(table: Table, *names: str, where: str | None = None) -> Index:
    """An index to find rows of *table* by *names*, of those for which *where* holds."""
    return Index(None, *(table.c[name] for name in names), postgresql_where=None if where is None else text(where))
