"""Write the progress of a training for TensorBoard; `tensorboard --logdir DIR` shows it while training runs."""

from __future__ import annotations

from itertools import chain, count
from pathlib import Path

from batchdigits.errors import needs_extra
from batchdigits.learning.training import Progress
from batchdigits.output.atomic import explain_os_errors
from batchdigits.quiet import silent_stderr


class EventFile:
    """An event file of TensorBoard.

    Attributes:
        folder: the file's own folder, since TensorBoard takes what lies in one folder for one run.
    """

    def __init__(self, below: Path, run: str) -> None:
        """Start the file, in a new folder.

        Args:
            below: where to make the folder.
            run: the folder's name; if it is taken, a number is added.

        Raises:
            MissingExtraError: TensorBoard is not installed.
            BatchdigitsError: the folder cannot be written to.
        """
        with silent_stderr(), needs_extra("--tensorboard", "tensorboard"):
            from tensorboard.summary import Writer
        with explain_os_errors(below):
            self.folder = _new_folder(below, run)
            self._writer = Writer(str(self.folder))

    def add(self, progress: Progress) -> None:
        """Add the figures of a progress report at its iteration; a figure that is None is left out."""
        for name, value in progress._asdict().items():
            if name != "iteration" and value is not None:
                self._writer.add_scalar(name, value, progress.iteration)

    def close(self) -> None:
        """Write everything that is still in memory, and close the file."""
        self._writer.close()


def _new_folder(below: Path, name: str) -> Path:
    """Make the folder `name`, or `name-2`, `name-3`… where those before exist."""
    names = chain([name], (f"{name}-{number}" for number in count(2)))
    folder = next(below / one for one in names if not (below / one).exists())
    folder.mkdir(parents=True)
    return folder
