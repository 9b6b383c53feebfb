"""What `read` was asked for: the values of its options, and what they mean for the workers and the rows."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import click

from batchdigits.cli.shared.console import print_message
from batchdigits.cli.table.request import Request
from batchdigits.fields.field_options import OPTIONS, field_options

if TYPE_CHECKING:
    from batchdigits.cli.numbers.compared import Listed, Named
    from batchdigits.engines.classify_files import Pipeline
    from batchdigits.engines.worker import ChunkResult, Task
    from batchdigits.fields.field_options import FieldOptions
    from batchdigits.fields.values.roster import Roster
    from batchdigits.forms.template import Template
    from batchdigits.inference.card import Card
    from batchdigits.output.columns import Columns
    from batchdigits.output.journal import Identity
    from batchdigits.output.table import TableRow
    from batchdigits.vision.normalise import Ink


@dataclass(frozen=True, kw_only=True)
class ReadRequest(Request):
    """The values of all options, under their names."""

    command: ClassVar[str] = "read"
    done: ClassVar[str] = "read"
    no_options: ClassVar[tuple[str, ...]] = ("paths", "second_look")
    option_names: ClassVar[Mapping[str, str]] = {"bounds": "range", "checks": "check"}

    ink: Ink
    length: str | None
    comb: int | None
    separators: str
    digits_only: bool
    signed: bool
    decimals: int | None
    bounds: str | None
    pattern: str | None
    checks: tuple[str, ...]
    values: str | None
    unique: bool
    template: str | None
    long: bool
    digits: bool

    def check(self) -> None:
        """Check that the options can be combined.

        Raises:
            click.UsageError: they cannot.
        """
        super().check()
        for name, value in (("--values", self.values), ("--template", self.template)):
            if value == "":
                raise click.UsageError(f"{name} needs the name of a file, and it is empty.")
        self._check_template()
        if self.digits_only and not self.separators:
            raise click.UsageError("--digits-only needs --separators.")
        unique = f"unique = true in {self.template}" if self.template else "--unique"
        if self._is_unique and self.resume:
            raise click.UsageError(
                f"{unique} chooses the values of all fields together, when all have been read: a run that was stopped "
                "has no rows to go on from, and new fields could change those of a finished table. Leave --resume out; "
                "to add fields, read all of them again, into another file."
            )
        if self._is_unique and self.engine == "ray":
            raise click.UsageError(f"{unique} chooses the values of all fields together, which --engine ray cannot.")
        try:
            self._field_options(None)
        except ValueError as error:
            raise click.UsageError(f"{error}.") from None

    def _check_template(self) -> None:
        """Check what goes together with a template.

        Raises:
            click.UsageError: some options do not.
            BatchdigitsError: the template cannot be used.
        """
        if not self.template:
            if self.long:
                raise click.UsageError("--long needs --template.")
            return
        given = {**self._of_each_field, "--values": self.values}
        if names := [name for name, value in given.items() if value]:
            raise click.UsageError(
                f"{' and '.join(names)}: with --template, each field has its own in {self.template}."
            )
        if self.digits and not self.long:
            raise click.UsageError("--digits has a column for one field in a row; with --template, add --long.")
        assert self._form  # which reads it
        if self.with_id and any(field.name == "id" for field in self._form.fields):
            raise click.UsageError(f"--with-id adds the column id, and a field in {self.template} has this name, too.")

    @property
    def row_name(self) -> str:
        """See `Request.row_name`."""
        return "row" if self.long else super().row_name

    def pipeline(self, card: Card) -> Pipeline[Any]:
        """The settings of the workers.

        Raises:
            BatchdigitsError: the list of values cannot be used.
        """
        from batchdigits.cli.numbers.lists import print_faults
        from batchdigits.engines.field_settings import FieldSettings
        from batchdigits.fields.decide_fields import field_threshold

        if self._form:
            from batchdigits.engines.form_settings import FormSettings

            lists = [(field.values, field.roster, field.options) for field in self._form.fields]
            print_faults(lists)
            return FormSettings(self._form, field_threshold(card, self.min_confidence), self.long, self.digits)
        options = self._field_options(self._roster.values if self._roster else None)
        print_faults([(self.values or "", self._roster, options)])
        return FieldSettings(options, field_threshold(card, self.min_confidence), self.digits)

    def run(self, files: Iterator[str], task: Task[bytes]) -> Generator[ChunkResult[bytes], None, None]:
        """See `Request.run`; with unique values, rows come when all fields have been read."""
        if not self._is_unique:
            if not self._lists:
                return super().run(files, task)
            from batchdigits.cli.numbers.compared import run_noting

            return run_noting(files, task, self.jobs, self._noted)
        from batchdigits.cli.numbers.together import run_forms_together, run_together

        if self._form:
            return run_forms_together(files, task, self.jobs, self._form, self.long, self._noted)
        return run_together(files, task, self.jobs, self._roster and self._roster.values, self.values or "")

    def note_lines(self, lines: Iterator[bytes]) -> Iterator[bytes]:
        """With lists of values, note those of all rows; what `run` has noted is among them."""
        from batchdigits.cli.numbers.compared import values_of_line

        self._noted.clear()
        columns = () if self.long or not self._form else self._lists
        for line in lines:
            if self._lists:
                self._noted.extend(values_of_line(line, columns))
            yield line

    def print_more(self, rows: Iterable[TableRow] | None = None) -> None:
        """With lists of values, name those that are missing, or doubled; where values are unique, that is done."""
        if not self._lists:
            return
        from batchdigits.cli.numbers.compared import print_values, values_of_rows

        if rows is not None and self._form and not self.long:
            names = " and ".join(dict.fromkeys(name for _, name in self._lists.values()))
            print_message(f"{names} not compared with rows of other runs or machines; --long does", "uncompared")
            return
        print_values(self._noted if rows is None else values_of_rows(rows), self._lists)

    def columns(self, card: Card, ids: Mapping[str, str] | None) -> Columns:
        """The columns of the rows."""
        from batchdigits.output.columns import Columns
        from batchdigits.output.form_columns import FormFieldColumns, PageColumns

        if not self._form:
            amounts = None if self.decimals is None else {"value": self.decimals}
            return Columns(ids=ids, answer="value", digits=self.digits, decimals=amounts)
        fields = self._form.fields
        decimals = {one.name: one.options.decimals for one in fields if one.options.decimals is not None}
        if self.long:
            return FormFieldColumns(ids=ids, answer="value", digits=self.digits, decimals=decimals)
        return PageColumns(ids=ids, fields=tuple(field.name for field in fields), decimals=decimals)

    def row_options(self) -> Identity:
        """The options that rows depend on, and the package's network, which reads digits in their context."""
        from batchdigits.inference.choose import CONTEXT_NETWORK
        from batchdigits.inference.model_file import read_card

        return {
            "the command": self.command,
            "the second network": read_card(CONTEXT_NETWORK).sha256["payload"][:16],
            "--ink": self.ink,
            **{name: "any" if value is None else value for name, value in self._of_each_field.items()},
            "--check": " and ".join(self.checks) or "any",
            "--values": self._values_id,
            "--template": self._form.digest if self._form else "none",
            "--long": self.long,
            "--digits": self.digits,
        }

    @property
    def _of_each_field(self) -> dict[str, Any]:
        """The options that a template has for each field, by their names; without the list of values."""
        return {f"--{name}": getattr(self, parameter) for name, parameter in OPTIONS.items()}

    @cached_property
    def _noted(self) -> list[Named]:
        """The value of each field, if there is a list of values."""
        return []

    @cached_property
    def _lists(self) -> Mapping[str, Listed]:
        """The lists of values that are compared at the end, by the names of a form's fields."""
        from batchdigits.cli.numbers.compared import Listed

        if self._roster and not self.unique:
            return {"": Listed(self._roster.values, self.values or "")}
        fields = self._form.fields if self._form else ()
        return {
            field.name: Listed(field.roster.values, field.values)
            for field in fields
            if field.roster and not field.options.unique
        }

    @cached_property
    def _form(self) -> Template | None:
        """The template.

        Raises:
            BatchdigitsError: it cannot be used.
        """
        from batchdigits.forms.template_file import read_template

        return read_template(self.template, self.ink) if self.template else None

    @property
    def can_resume(self) -> bool:
        """See `Request.can_resume`."""
        return not self._is_unique

    @property
    def _is_unique(self) -> bool:
        """Whether some values are chosen for all fields together."""
        return self.unique or (self._form is not None and any(field.options.unique for field in self._form.fields))

    @cached_property
    def _roster(self) -> Roster | None:
        """The list of values."""
        from batchdigits.fields.values.roster import read_roster

        if not self.values:
            return None
        roster = read_roster(self.values)
        return roster._replace(values=self._field_options(None).written_list(roster.values))

    @property
    def _values_id(self) -> str:
        """A hash of the list of values."""
        return hashlib.sha256("\n".join(self._roster.values).encode()).hexdigest()[:16] if self._roster else "any"

    def _inputs(self) -> tuple[str, ...]:
        names = [self.values, self.values.rpartition(":")[0]] if self.values else []
        if self._form:
            names += [self._form.path, self._form.form]
        return (*super()._inputs(), *filter(None, names))

    def _field_options(self, values: Sequence[str] | None) -> FieldOptions:
        """The options for fields.

        Args:
            values: those that are listed; None for any.

        Raises:
            ValueError: they cannot be combined.
        """
        given = {parameter: getattr(self, parameter) for parameter in OPTIONS.values()}
        return field_options(ink=self.ink, values=values, **given)
