"""Write the progress of a training for TensorBoard; `tensorboard --logdir DIR` shows it while training runs."""

from __future__ import annotations

from pathlib import Path

from batchdigits.errors import MissingExtraError
from batchdigits.learning.training import Progress
from batchdigits.output.atomic import explain_os_errors
from batchdigits.quiet import silent_stderr


class EventFile:
    """An event file of TensorBoard in a folder."""

    def __init__(self, folder: Path) -> None:
        """Start the file.

        Raises:
            MissingExtraError: TensorBoard is not installed.
            BatchdigitsError: the folder cannot be written to.
        """
        with silent_stderr():
            try:
                from tensorboard.summary import Writer
            except ImportError:
                raise MissingExtraError("--tensorboard", "tensorboard") from None
        with explain_os_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            self._writer = Writer(str(folder))

    def add(self, progress: Progress) -> None:
        """Add the figures of a progress report at its iteration; a figure that is None is left out."""
        for name, value in progress._asdict().items():
            if name != "iteration" and value is not None:
                self._writer.add_scalar(name, value, progress.iteration)

    def close(self) -> None:
        """Write everything that is still in memory, and close the file."""
        self._writer.close()
