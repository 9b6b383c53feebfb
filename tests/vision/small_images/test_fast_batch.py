from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from batchdigits.vision import normalise_batch
from batchdigits.vision.decode import Page
from batchdigits.vision.normalise import Ink
from batchdigits.vision.normalise_batch import NormaliseBatch, Normalised, normalise_page
from batchdigits.vision.reduction import Reduction
from batchdigits.vision.small_images import FastBatch, fast_batch
from batchdigits.vision.view import Viewed, look_at


def test_no_more_scans_wait_than_agreed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small images and pages without a scan between them, too."""
    monkeypatch.setattr(fast_batch, "MAX_WAITING", 3)
    monkeypatch.setattr(fast_batch, "MAX_WAITING_PIXELS", 100 * 100)
    normalised: list[str] = []

    def watched(page: Page, ink: Ink, viewed: Viewed | None = None) -> Normalised:
        normalised.append(page.source)
        return normalise_page(page, ink, viewed)

    monkeypatch.setattr(fast_batch, "normalise_page", watched)
    sides = [90, 20, 95, 101, 91, 92]
    paths = [str(tmp_path / f"{side}.png") for side in sides]
    for side, path in zip(sides, paths, strict=True):
        scan = np.full((side, side), 240, np.uint8)
        cv2.line(scan, (side // 2, side // 5), (side // 2 - 3, 4 * side // 5), 20, 3)
        cv2.imwrite(path, scan)
    fast, plain = FastBatch("auto"), NormaliseBatch("auto")
    for path in [*paths, str(tmp_path / "missing.png")]:
        list(fast.add(path))
        list(plain.add(path))
    at_once = [Path(path).stem for path in normalised]
    assert at_once == ["101", "90", "95", "91", "missing"]  # 92 and 20 wait for the end
    for one, other in zip(fast.finish(), plain.finish(), strict=True):
        assert (one.source, one.fault) == (other.source, other.fault)
        assert np.array_equal(one.candidates.glyphs, other.candidates.glyphs)


def test_a_scan_that_cannot_be_looked_at_costs_its_own_row_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looked_at(scan: NDArray[np.uint8], reduction: Reduction | None = None) -> Viewed:
        if scan.shape[0] == 95:
            raise MemoryError
        return look_at(scan, reduction)

    monkeypatch.setattr(fast_batch, "look_at", looked_at)
    monkeypatch.setattr(normalise_batch, "look_at", looked_at)
    batch = FastBatch("auto")
    for side in (90, 95, 100):
        cv2.imwrite(str(tmp_path / f"{side}.png"), np.full((side, side), 240, np.uint8))
        list(batch.add(str(tmp_path / f"{side}.png")))
    assert [one.fault for one in batch.finish()] == ["", "cannot be normalised (MemoryError)", ""]
