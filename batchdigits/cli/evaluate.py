"""`batchdigits evaluate`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from batchdigits.cli.shared.console import is_verbose, print_message, progress_bar
from batchdigits.cli.shared.model_choice import chosen_model, model_choice_options
from batchdigits.cli.shared.options import (
    FILE,
    OUTPUT_FILE,
    batch_size_option,
    class_option,
    ink_option,
    second_look_option,
    verbosity_options,
)
from batchdigits.cli.shared.output_file import is_at_or_below, prepare_document, prepare_plot
from batchdigits.cli.shared.usage import refuse_given
from batchdigits.errors import ExitCode
from batchdigits.text import counted

if TYPE_CHECKING:
    from batchdigits.inference.choose import RuntimeName
    from batchdigits.inference.decide import Prediction
    from batchdigits.inference.model_file import ModelFile
    from batchdigits.reports.evaluation import Evaluation
    from batchdigits.reports.wrong_answers import WrongAnswer
    from batchdigits.vision.normalise import Ink


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH…", type=click.Path())
@model_choice_options
@ink_option
@batch_size_option
@class_option
@second_look_option
@click.option(
    "--plot",
    type=OUTPUT_FILE,
    metavar="FILE",
    help="Draw how often answers of each confidence are right, and how many of the surest are wrong (.png, .svg).",
)
@click.option(
    "--wrong",
    type=OUTPUT_FILE,
    metavar="FILE",
    help="List the images that get a wrong answer, the surest first (.csv, or .html with pictures).",
)
@click.option(
    "--suspects",
    type=OUTPUT_FILE,
    metavar="FILE",
    help="The list of --wrong without images that get no label: the likeliest wrong labels of yours first.",
)
@click.option(
    "--truth",
    type=FILE,
    metavar="FILE",
    help="PATH is a table that read or classify wrote: compare the digits of its values with those of this CSV, "
    "whose columns are file and truth: a value, or x, blank or nothing where there is none.",
)
@click.option("--json", "as_json", is_flag=True, help="Write everything as one JSON document.")
@verbosity_options
@click.pass_context
def evaluate(
    context: click.Context,
    /,
    paths: tuple[str, ...],
    truth: Path | None,
    as_json: bool,
    **for_images: Any,
) -> None:
    """Measure the accuracy of a model on labelled images.

    A PATH is a folder, or a zip or tar archive, with one sub-folder for each class, named like the model's label; or a
    folder of IDX files, an .npz in Keras's layout, or `mnist`, of which the test images count.
    Images with the status `blank` or `error` count as wrong. A sub-folder `not_digit` holds outliers: they do not
    count in the accuracy, and the last column shows how many of them got the status `ok`. Several PATHs give one line
    each, and their unweighted mean; -v adds the confusion matrix of each. ECE is the expected calibration error, the
    mean difference between confidence and accuracy.

    \b
    Example:
        batchdigits evaluate ./labelled
        batchdigits evaluate ./mine ./yours --plot confidence.png
        batchdigits evaluate ./labelled --wrong wrong.html
        batchdigits evaluate numbers.csv --truth truth.csv
    """
    if truth:
        refuse_given(context, for_images, "is for images, and --truth compares tables")
        _of_tables(paths, truth, as_json)
    else:
        _of_images(paths, as_json, **for_images)


def _of_tables(paths: Sequence[str], truth: Path, as_json: bool) -> None:
    """Compare the values of tables with the true ones."""
    from batchdigits.output.table import read_table
    from batchdigits.reports.value_evaluation import as_table, evaluate_values, read_truth

    are_numbers = any(row.is_number for path in paths for row in islice(read_table(path), 1))
    truths = read_truth(truth, are_numbers)
    evaluations = [evaluate_values(path, read_table(path), truths) for path in paths]
    click.echo(json.dumps([one.as_json() for one in evaluations]) if as_json else as_table(evaluations))


def _of_images(
    paths: Sequence[str],
    as_json: bool,
    *,
    runtime: RuntimeName | None,
    model: Path | None,
    ink: Ink,
    batch_size: int,
    as_class: str | None,
    second_look: bool | None,
    plot: Path | None,
    wrong: Path | None,
    suspects: Path | None,
) -> None:
    """Classify labelled images, and write what the options ask for."""
    from batchdigits.engines.local import predict
    from batchdigits.inference.model_file import read_model_file
    from batchdigits.reports.evaluation import evaluate_predictions
    from batchdigits.reports.labelled_sources import labelled_sources
    from batchdigits.reports.wrong_answers import note_wrong_answers

    _check_images(paths)
    _prepare_files(plot, wrong, suspects)
    chosen = read_model_file(chosen_model(runtime, model))
    labels = chosen.card.labels
    data = [labelled_sources(path, labels, as_class) for path in paths]
    evaluations: list[Evaluation] = []
    answers: list[WrongAnswer] = []
    for path, (sources, true_class) in zip(paths, data, strict=True):
        rows = _with_progress(predict(sources, chosen, ink, batch_size=batch_size, second_look=second_look))
        if wrong or suspects:
            rows = note_wrong_answers(rows, true_class, labels, answers)
        evaluations.append(evaluate_predictions(path, rows, labels, true_class))
    click.echo(_json(evaluations, chosen.path) if as_json else _tables(evaluations))
    if plot:
        _draw(evaluations, plot)
    if wrong:
        _write_answers(answers, "wrong answer", chosen, ink, second_look, wrong, evaluations)
    if suspects:
        listed_answers = [answer for answer in answers if answer.is_suspect]
        _write_answers(listed_answers, "suspect", chosen, ink, second_look, suspects)
    if any(evaluation.unreadable for evaluation in evaluations):
        raise click.exceptions.Exit(ExitCode.SOME_FAILED)


def _check_images(paths: Sequence[str]) -> None:
    from batchdigits.output.table import table_format

    for path in paths:
        if Path(path).is_file() and table_format(path):
            raise click.UsageError(f"{path} is a table; give --truth a CSV of what is right.")


def _prepare_files(plot: Path | None, wrong: Path | None, suspects: Path | None) -> None:
    if plot:
        prepare_plot(plot)
    for option, listed in (("--wrong", wrong), ("--suspects", suspects)):
        if listed:
            _prepare_list(listed, option)
    if wrong and suspects and is_at_or_below(wrong, suspects):
        raise click.UsageError("--wrong and --suspects are two lists; give them two names.")


def _prepare_list(path: Path, option: str) -> None:
    """Check before the work that a list of answers can be written, and destroys nothing but an older one."""
    from batchdigits.reports.preview_html import BEGIN
    from batchdigits.reports.wrong_answers import as_csv

    begin = BEGIN if path.suffix == ".html" else as_csv([]).decode()
    prepare_document(path, (".csv", ".html"), begin, option, "list of answers")


def _with_progress(predictions: Iterable[Prediction]) -> Iterator[Prediction]:
    """The same predictions, counted by a progress bar."""
    with progress_bar(unit="img", leave=False) as bar:
        for prediction in predictions:
            yield prediction
            bar.update()


def _draw(evaluations: list[Evaluation], plot: Path) -> None:
    from batchdigits.output.atomic import write_atomically
    from batchdigits.reports.confidence_plot import confidence_plot

    picture = confidence_plot({evaluation.path: evaluation.answers for evaluation in evaluations}, plot.suffix)
    write_atomically(plot, picture)
    print_message(f"wrote {plot}")


def _write_answers(
    answers: list[WrongAnswer],
    noun: str,
    model: ModelFile,
    ink: Ink,
    second_look: bool | None,
    output: Path,
    evaluations: Sequence[Evaluation] = (),
) -> None:
    """Write wrong answers to a table or a page, which shows the confusion matrix of evaluations if there are any."""
    from batchdigits.output.atomic import write_atomically
    from batchdigits.reports.wrong_answers import as_csv, ranked

    shown = len(answers)
    if output.suffix == ".csv":
        content = as_csv(ranked(answers))
    else:
        from batchdigits.engines.classify_files import Settings
        from batchdigits.inference.load import load_runtime
        from batchdigits.reports.wrong_answers_html import MAX_SHOWN, confusion_page, ranked_page

        shown = min(shown, MAX_SHOWN)
        draw = partial(confusion_page, evaluations) if evaluations else ranked_page
        settings = Settings(ink, model.card.with_second_look(second_look).thresholds["review"])
        content = draw(ranked(answers), load_runtime(model.path, second_look=second_look), settings).encode()
    write_atomically(output, content)
    left_out = f", of which {shown:,} are shown" if shown < len(answers) else ""
    print_message(f"wrote {output}: {counted(len(answers), noun)}{left_out}")


def _tables(evaluations: list[Evaluation]) -> str:
    from batchdigits.reports.evaluation_table import details, summary

    detailed = evaluations if len(evaluations) == 1 or is_verbose() else []
    return "\n\n".join([summary(evaluations), *(details(evaluation) for evaluation in detailed)])


def _json(evaluations: list[Evaluation], model: Path) -> str:
    from batchdigits.reports.evaluation import as_json, mean_accuracy
    from batchdigits.text import as_unicode

    document = {
        "model": as_unicode(model),
        "mean_accuracy": mean_accuracy(evaluations),
        "sets": [as_json(evaluation) for evaluation in evaluations],
    }
    return json.dumps(document)
