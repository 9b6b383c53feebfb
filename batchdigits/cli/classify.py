"""`batchdigits classify`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import click

from batchdigits.cli.shared.console import print_message
from batchdigits.cli.shared.options import Count, Share, ink_option, second_look_option
from batchdigits.cli.table.make_table import make_table
from batchdigits.cli.table.options import INPUT_OPTIONS, OUTPUT_OPTIONS, RUN_OPTIONS, add_options
from batchdigits.cli.table.request import Request

if TYPE_CHECKING:
    from batchdigits.engines.classify_files import Settings
    from batchdigits.inference.card import Card
    from batchdigits.output.columns import Columns
    from batchdigits.output.journal import Identity
    from batchdigits.vision.normalise import Ink


@dataclass(frozen=True, kw_only=True)
class ClassifyRequest(Request):
    """The values of all options, under their names."""

    command: ClassVar[str] = "classify"
    done: ClassVar[str] = "classified"

    ink: Ink
    target_risk: float | None
    outlier_share: float | None
    top_k: int
    probabilities: bool

    def check(self) -> None:
        """Check that the options can be combined.

        Raises:
            click.UsageError: they cannot.
        """
        super().check()
        if self.min_confidence is not None and self.target_risk is not None:
            raise click.UsageError("--min-confidence and --target-risk both set the review threshold; give one.")
        if self.outlier_share is not None and self.target_risk is None:
            raise click.UsageError("--outlier-share needs --target-risk.")

    def pipeline(self, card: Card) -> Settings:
        """The settings of the workers; the review threshold is printed if it was chosen for a risk."""
        from batchdigits.engines.classify_files import Settings
        from batchdigits.inference.threshold import review_threshold

        card = card.with_second_look(self.second_look)
        threshold = review_threshold(card, self.min_confidence, self.target_risk, self.outlier_share)
        if self.target_risk is not None:
            print_message(
                f"review threshold: {threshold:g}; rows with a lower score get the status review",
                "threshold",
                threshold=threshold,
            )
        return Settings(self.ink, threshold, self.probabilities or self.top_k > 1)

    def columns(self, card: Card, ids: Mapping[str, str] | None) -> Columns:
        """The columns of the rows."""
        from batchdigits.output.columns import Columns

        return Columns(card.labels, self.top_k, self.probabilities, ids)

    def row_options(self) -> Identity:
        """The options that rows depend on."""
        return {
            "--ink": self.ink,
            "--top-k": self.top_k,
            "--probabilities": self.probabilities,
        }


@click.command()
@add_options(
    *INPUT_OPTIONS,
    ink_option,
    click.option(
        "--min-confidence",
        type=Share(),
        help="Rows with a lower score are `review`: 0.9 or 90%. The score is the confidence, or less if the image may "
        "be no digit. [default: the model's own threshold]",
    ),
    click.option(
        "--target-risk",
        type=Share(min_open=True, max_open=True),
        help="Send so many rows to `review` that at most this share of the `ok` rows is wrong: 1% or 0.01. How many "
        "that takes was counted on images whose digits are known; see --outlier-share.",
    ),
    click.option(
        "--outlier-share",
        type=Share(max_open=True),
        help="With --target-risk: the share of your images that show something else than a digit, such as a letter or "
        "a scribble. [default: the model's own]",
    ),
    *OUTPUT_OPTIONS,
    click.option(
        "--top-k",
        type=Count(1),
        default=1,
        show_default=True,
        help="Number of labels in each row, the likeliest first, so that a person can choose.",
    ),
    click.option("--probabilities", is_flag=True, help="Add a column for each label, with its probability."),
    second_look_option,
    *RUN_OPTIONS,
)
def classify(**values: Any) -> None:
    """Classify images of handwritten digits into a table.

    A PATH is an image, a folder or archive of images, or a URL; - is one image on stdin. Every image gives one row. Its
    status is `ok`, `review` (a person should check it), `blank` (no ink) or `error` (unreadable; the detail says why).
    The exit code is 3 if some rows are errors. A run that was stopped is continued with --resume.

    \b
    Example:
        batchdigits classify ./scans > out.csv
        batchdigits classify ./scans page7.png --runtime tensorflow -o out.csv
        find . -name '*.png' -print0 | batchdigits classify --files-from - -0 -o out.csv --resume
        batchdigits classify s3://bucket/scans --engine ray -o s3://bucket/rows
    """
    make_table(ClassifyRequest(**values))
