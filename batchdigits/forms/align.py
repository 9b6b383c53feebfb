"""Line a scan up with a page of its form."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from batchdigits.forms.marks import find_blobs, match_marks
from batchdigits.forms.reference import (
    Features,
    Matrix,
    Points,
    Reference,
    agreement,
    features_of,
    is_rather,
    mapped,
    scaling,
)
from batchdigits.forms.template import Alignment, TemplatePage
from batchdigits.vision.grey import Scan

MIN_AGREEMENT = 0.5  # of the form's ink and the scan's: other forms have up to 0.3
MAX_RATIO = 0.8  # of the distances to the best and the second best match of a feature (Lowe 2004)
MIN_MATCHES = 12  # that agree on one map
MAX_ERROR = 3.0  # pixels of the reduced scan, of a match that agrees
MAX_ITERATIONS = 5000
MAX_SHAPE_RATIO = 1.04  # of the shapes of scan and page, where they are not lined up
OTHER_FORM = "not the form: other things are printed on it, or much of it is missing"
TURNS = 4  # by a quarter each


class Placed(NamedTuple):
    """How a scan lies on a page.

    Attributes:
        matrix: from units of the template to pixels of the scan; None if it does not lie there.
        fault: why it does not; else empty.
        agreement: of the form's ink and the scan's, 1 at most; 1 where it is not known.
    """

    matrix: Matrix | None
    fault: str = ""
    agreement: float = 1.0


class ScanFeatures:
    """A scan, whose features are found once, and only if they are needed."""

    def __init__(self, scan: Scan) -> None:
        """Keep a scan, uint8 (H, W)."""
        self.scan = scan
        self._features: Features | None = None

    @property
    def features(self) -> Features:
        """Its features."""
        if self._features is None:
            self._features = features_of(self.scan)
        return self._features


def align(scan: ScanFeatures, page: TemplatePage, alignment: Alignment) -> Placed:
    """Line a scan up with a page."""
    if alignment == "features":
        return _by_features(scan, page)
    if alignment == "marks":
        return _by_marks(scan.scan, page)
    return _by_size(scan.scan, page)


def lies_as_another(scan: ScanFeatures, page: TemplatePage, other: TemplatePage, matrix: Matrix) -> bool:
    """Whether a scan that was lined up with a page by a matrix, as of `Placed`, is rather another page like it."""
    if page.reference is None or other.reference is None or page.size != other.size:
        return False
    return is_rather(page.reference, other.reference, scan.scan, matrix @ _from_picture(page, page.reference))


def _by_size(scan: Scan, page: TemplatePage) -> Placed:
    """The whole scan is the whole page."""
    matrix = scaling(scan.shape[1] / page.size[0], scan.shape[0] / page.size[1])
    ratio = matrix[0, 0] / matrix[1, 1]
    if not 1 / MAX_SHAPE_RATIO <= ratio <= MAX_SHAPE_RATIO:
        return Placed(None, f"not as the form: {scan.shape[1]}x{scan.shape[0]} pixels are of another shape")
    return Placed(matrix)


def _by_marks(scan: Scan, page: TemplatePage) -> Placed:
    """Corner marks lie on those of the page. Which is which, the blank form's ink decides, if it is known."""
    blobs = find_blobs(scan)
    marks = np.array(page.marks)
    best, found_any = Placed(None, OTHER_FORM, MIN_AGREEMENT), False
    for turn in range(TURNS if page.reference else 1):
        expected = mapped(marks, _turned(scan, page, turn))
        found = match_marks(expected, blobs, float(np.hypot(*scan.shape)))
        if found is None:
            continue
        found_any = True
        matrix = _map_of(marks, found)
        if page.reference is None:
            return Placed(matrix)
        share = agreement(page.reference, scan, matrix @ _from_picture(page, page.reference))
        if share > best.agreement:
            best = Placed(matrix, agreement=share)
    return best if found_any else Placed(None, "corner marks not found")


def _by_features(scan: ScanFeatures, page: TemplatePage) -> Placed:
    """Features of the blank form lie on those of the scan."""
    reference = page.reference
    assert reference is not None  # the template was read with it
    matrix = _match(reference.features, scan.features, MAX_ERROR * max(scan.scan.shape) / 1000)
    share = 0.0 if matrix is None else agreement(reference, scan.scan, matrix)
    if matrix is None or share < MIN_AGREEMENT:
        return Placed(None, OTHER_FORM)
    return Placed(matrix @ np.linalg.inv(_from_picture(page, reference)), agreement=share)


def _match(ours: Features, theirs: Features, error: float) -> Matrix | None:
    """The projective map from our points to theirs that most matches agree on; None if few do."""
    if min(len(ours.points), len(theirs.points)) < MIN_MATCHES:
        return None
    pairs = cv2.BFMatcher.create(cv2.NORM_L2).knnMatch(
        ours.descriptors.astype(np.float32), theirs.descriptors.astype(np.float32), k=2
    )
    good = [first for first, second in pairs if first.distance < MAX_RATIO * second.distance]
    if len(good) < MIN_MATCHES:
        return None
    here = ours.points[[match.queryIdx for match in good]]
    there = theirs.points[[match.trainIdx for match in good]]
    matrix, agrees = cv2.findHomography(here, there, cv2.USAC_MAGSAC, error, maxIters=MAX_ITERATIONS, confidence=0.9999)
    if matrix is None or int(agrees.sum()) < MIN_MATCHES or not np.isfinite(matrix).all():
        return None
    return np.asarray(matrix, np.float64)


def _map_of(here: Points, there: Points) -> Matrix:
    """The map from three points or more to others: affine for three, else projective."""
    if len(here) == 3:
        affine = cv2.getAffineTransform(here.astype(np.float32), there.astype(np.float32))
        return np.vstack([affine, [0.0, 0.0, 1.0]])
    return np.asarray(cv2.findHomography(here, there)[0], np.float64)


def _turned(scan: Scan, page: TemplatePage, turn: int) -> Matrix:
    """The map that lays the whole page on the whole scan, which was turned clockwise by quarters."""
    quarter = np.array([[0.0, -1.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])  # of a square of side 1
    unit = scaling(1 / page.size[0], 1 / page.size[1])
    return np.asarray(scaling(scan.shape[1], scan.shape[0]) @ np.linalg.matrix_power(quarter, turn) @ unit)


def _from_picture(page: TemplatePage, reference: Reference) -> Matrix:
    """The map from pixels of the blank form's picture to units of the template."""
    return scaling(page.size[0] / reference.size[0], page.size[1] / reference.size[1])
