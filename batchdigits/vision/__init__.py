"""From files to glyphs: decode files to scans, and normalise scans to glyphs."""

from __future__ import annotations

from batchdigits.errors import OpenCVError


def _check_opencv() -> None:
    """Find out whether OpenCV is whole, before anything else of this package imports it.

    Its packages (opencv-python, opencv-python-headless and others) install the same files: the second one overwrites
    some of the first one's, and removing one of them removes files of both.

    Raises:
        OpenCVError: it is missing, too old, or mixed up.
    """
    try:
        import cv2
        import cv2.typing  # a folder without files can be imported, but has no `typing`

        is_whole = hasattr(cv2.utils, "logging") and int(cv2.__version__.partition(".")[0]) >= 5
    except (ImportError, AttributeError) as error:
        raise OpenCVError from error
    if not is_whole:
        raise OpenCVError


_check_opencv()
