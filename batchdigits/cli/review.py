"""`batchdigits review`."""

from __future__ import annotations

import getpass
import os
import secrets
import socket
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from batchdigits.cli.review_apply import apply, check_apply_options, unknown_answers
from batchdigits.cli.shared.console import is_quiet, print_message
from batchdigits.cli.shared.options import FILE, Count, output_option, verbosity_options
from batchdigits.errors import BatchdigitsError, needs_extra
from batchdigits.files.page_names import file_of
from batchdigits.output.review_answers import MAX_LABEL, Mode
from batchdigits.text import SAVE_AS_UTF8, as_unicode, counted, is_line, is_utf8, printable

if TYPE_CHECKING:
    from batchdigits.review.review import Review
    from batchdigits.review.scan_files import ScanFiles
    from batchdigits.review.typed_answers import TypedAnswers

ADDRESS = "127.0.0.1"


def _check_lines(context: click.Context, option: click.Parameter, value: str | tuple[str, ...] | None) -> Any:
    """Refuse texts that are no line, since they go into tables and to terminals."""
    for text in (value,) if isinstance(value, str) else value or ():
        if not 0 < len(text) <= MAX_LABEL or not is_line(text):
            raise click.BadParameter(f"{text!r} is no line of text of at most {MAX_LABEL} characters.")
    return value


@click.command()
@click.argument("table", metavar="ROWS", type=FILE)
@click.option(
    "--scans",
    type=FILE,
    metavar="DIR",
    multiple=True,
    help="Where the images are, if not below the current folder or beside the table; repeatable.",
)
@click.option(
    "--mode",
    type=click.Choice(get_args(Mode)),
    help="How to begin: a page of images with one label, image by image, or blind, without showing labels. "
    "[default: grid; single for numbers]",
)
@click.option(
    "--second",
    "is_second",
    is_flag=True,
    help="Show what another person answered already, blind: type each again, and the two are compared.",
)
@click.option(
    "--sample",
    type=FILE,
    metavar="FILE",
    help="Show the rows of a sample of batchdigits audit only. With --apply, take what was typed into it, too.",
)
@click.option(
    "--column",
    metavar="NAME",
    help="With --apply, take what was typed into this column of the table, too: a label, x for no digit, or blank.",
)
@click.option(
    "--reviewer", metavar="NAME", callback=_check_lines, help="Who reviews. [default: the name of the account]"
)
@click.option(
    "--label",
    "labels",
    metavar="NAME",
    multiple=True,
    callback=_check_lines,
    help="A label that may be given, too, if no row of the table has it; repeatable.",
)
@click.option("--port", type=Count(0, 65_535), default=0, help="Port of the page; 0 is any free one.")
@click.option("--no-browser", is_flag=True, help="Only print the address of the page; with -q, to stdout.")
@click.option("--apply", "is_apply", is_flag=True, help="Write the table with the answers in it to -o; no page.")
@output_option("The finished table: .csv, .tsv or .jsonl, each also with .gz or .zst, .parquet or .xlsx.")
@click.option(
    "--wide", is_flag=True, help="With --apply, write fields of forms as a row a page, with a column for each."
)
@click.option("--overwrite", is_flag=True, help="With --apply, replace the file of -o.")
@verbosity_options
def review(
    table: Path,
    scans: tuple[Path, ...],
    mode: Mode | None,
    is_second: bool,
    sample: Path | None,
    column: str | None,
    reviewer: str | None,
    labels: tuple[str, ...],
    port: int,
    no_browser: bool,
    is_apply: bool,
    output: Path | None,
    wide: bool,
    overwrite: bool,
) -> None:
    """Look over the rows of a table in the browser, and correct them.

    ROWS is a table that classify or read wrote (CSV, TSV, JSON lines, Parquet), of forms with --long. The page is
    served to this machine only, until Ctrl-C. Each answer is in ROWS.review before the next card is shown; the table
    itself stays as it is. Press h on the page to see the keys.

    \b
    Example:
        batchdigits review rows.csv
        batchdigits review rows.csv --mode blind --sample sample.csv --reviewer Anna
        batchdigits review rows.csv --apply -o final.csv
        batchdigits review rows.csv --apply --sample sample.csv -o final.csv
        batchdigits review rows.csv --apply --column checked -o final.xlsx
    """
    for_page = [mode, is_second, None if sample or column else reviewer or labels, port, no_browser]
    check_apply_options(is_apply, output, [overwrite, column, wide], for_page)
    if output:
        typed = _typed(table, sample, column, reviewer or _own_name(), labels, wide) if sample or column else None
        apply(table, scans, output, overwrite, typed, wide)
        return
    if is_second and mode not in (None, "blind"):
        raise click.UsageError(f"--second shows everything blind; leave --mode {mode} out.")
    from batchdigits.output.review_log import ReviewLog, log_path
    from batchdigits.output.table import read_table
    from batchdigits.review.review import Review
    from batchdigits.review.rows import Rows
    from batchdigits.review.scan_files import ScanFiles
    from batchdigits.review.server import application
    from batchdigits.review.setting import Setting
    from batchdigits.review.typed_answers import rows_of_sample

    with needs_extra("batchdigits review", "review"):
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    found = read_table(str(table))
    rows = Rows(rows_of_sample(found, sample) if sample else found, labels)
    if not len(rows):
        raise BatchdigitsError(f"{table} has no rows to review")
    sources = [row.source for row in rows.rows]
    files = ScanFiles(sources, scans, table.resolve().parent)
    if not files.has_any(sources):
        print_message(_why_no_image(table, sources, files))
    mode = "blind" if is_second else mode or ("single" if rows.are_numbers else "grid")
    setting = Setting(table.name, reviewer or _own_name(), mode, is_second, sample.name if sample else "")
    token = secrets.token_urlsafe(16)
    opened = closing(ReviewLog(log_path(table), table.name, rows.are_numbers))
    with opened as log, _socket(port) as listening:
        review = Review(rows, log, setting, files.digest)
        if is_second:
            _check_second(review, log_path(table))
        unknown = [] if sample else [path for path in log.answers.all_paths if not rows.positions(path)]
        if unknown:
            print_message(f"{log_path(table)} has {unknown_answers(unknown)}")
        page = application(review, files, token)
        _serve(page, listening, f"http://{ADDRESS}:{listening.getsockname()[1]}/{token}/", no_browser)
    print_message(f"the answers are in {log_path(table)}; --apply -o FILE makes a table of them")


def _why_no_image(table: Path, sources: Sequence[str], files: ScanFiles) -> str:
    folders = " or ".join(map(as_unicode, files.folders))
    if path := files.outside(sources):
        leads = f"{printable(as_unicode(path))} is {printable(as_unicode(os.path.realpath(file_of(path))))}"
        return f"{leads}, outside of {folders}: no such image is shown; give --scans a folder that it is in"
    return f"no image of the first rows is in {folders}; {_remedy(table, sources)}"


def _remedy(table: Path, sources: Sequence[str]) -> str:
    """What to do where no image is found, the likelier first."""
    folder, encoding = "give --scans DIR", f"if {table} is not in UTF-8, {SAVE_AS_UTF8}"
    if all(map(is_utf8, sources)):
        return folder
    return f"{folder}; {encoding}" if any(map(is_utf8, sources)) else f"{encoding}; else {folder}"


def _typed(
    table: Path, sample: Path | None, column: str | None, reviewer: str, labels: tuple[str, ...], wide: bool
) -> TypedAnswers:
    """What was typed into a column of the table and into a sample, which counts more.

    Raises:
        BatchdigitsError: nothing was, there is no review either, and rows are not made `wide`; see `answers_of_column`
            and `answers_of_sample`.
    """
    from batchdigits.output.review_log import log_path
    from batchdigits.review.typed_answers import TypedAnswers, answers_of_column, answers_of_sample

    typed = answers_of_column(table, column, reviewer, labels) if column else TypedAnswers({}, [])
    if sample:
        answers, without_zeros = answers_of_sample(table, sample, reviewer, labels)
        typed = TypedAnswers({**typed.answers, **answers}, typed.without_zeros + without_zeros)
    if not (typed.answers or wide or log_path(table).exists()):
        places = [f"the column {printable(column)} of {table}"] if column else []
        places += [str(sample)] if sample else []
        raise BatchdigitsError(f"nothing is typed into {' or '.join(places)}, and there is no {log_path(table)} either")
    return typed


def _check_second(review: Review, log: Path) -> None:
    """Check that somebody else has answered rows, and say how many of the own ones are left out.

    Raises:
        BatchdigitsError: nobody else has.
    """
    shown, name = review.state()["rows"], printable(review.setting.reviewer)
    if not shown and review.own_rows:
        raise BatchdigitsError(
            f"{name} gave all the answers in {log}; --second is for another person, so give that name with --reviewer"
        )
    if not shown:
        raise BatchdigitsError(f"{log} has no answer of a first person, which --second could key again")
    if review.own_rows:
        print_message(f"{name} answered {counted(review.own_rows, 'row')} first, which --second leaves out")


def _own_name() -> str:
    """The name of the user who runs the command.

    Raises:
        BatchdigitsError: the system knows none, as in a container that runs under any number.
    """
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        raise BatchdigitsError("this user has no name on this system; give one with --reviewer") from None


def _socket(port: int) -> socket.socket:
    """A socket of this machine that listens.

    Raises:
        BatchdigitsError: the port is taken.
    """
    # asyncio sends small replies at once only where the socket names its protocol; else each takes 40 ms.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((ADDRESS, port))
    except OSError as error:
        listening.close()
        raise BatchdigitsError(f"cannot listen on port {port}: {error.strerror or error}; leave --port away") from None
    return listening


def _serve(page: Any, listening: socket.socket, address: str, no_browser: bool) -> None:
    """Serve the page until Ctrl-C."""
    import uvicorn

    listening.listen()
    print_message(f"review on {address} until Ctrl-C")
    if not no_browser:
        click.launch(address)
    elif is_quiet():  # nothing else would say it
        click.echo(address)
    config = uvicorn.Config(
        page,
        log_config=None,
        log_level="error",  # its warnings are about requests that no page makes
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    with suppress(KeyboardInterrupt):  # that is how a review ends
        uvicorn.Server(config).run(sockets=[listening])
