"""classify --engine ray, with the engine's tasks and actors run one after the other in this process.

The tests with a real cluster are in tests/engines/test_ray_engine.py.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any
from zipfile import ZipFile

import pytest
from PIL import Image

from batchdigits.engines import ray_cluster, ray_engine
from batchdigits.engines.ray_engine import (
    LISTING_TASKS,
    ClusterJob,
    Listing,
    Part,
    PartClassifier,
    _groups,
    list_parts,
    parse_result,
    require_typed_paths,
)
from batchdigits.errors import BatchdigitsError, NoImagesError
from batchdigits.output.columns import Columns
from batchdigits.output.done_parts import DoneParts
from batchdigits.output.formats import output_format
from batchdigits.output.parts_folder import LocalFolder
from batchdigits.output.reader_protocol import Reader
from tests.conftest import SAMPLES, Run
from tests.engines.helpers import count, make_images

pytestmark = pytest.mark.skipif(find_spec("pyarrow") is None, reason="pyarrow is not installed")


class Cluster:
    """A stand-in for a cluster, which records the parts it has done, and fails after `breaks_after` parts."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.breaks_after = 1_000

    def classify(
        self, paths: Sequence[str], job: ClusterJob, done: DoneParts, address: str | None, actors: int | None
    ) -> Iterator[Part | Listing]:
        import pyarrow

        self.address, self.actors = address, actors
        require_typed_paths(job)
        classifier = PartClassifier(job, job.task.model.read_bytes())
        try:
            for number, group in enumerate(_groups(paths)):
                table = pyarrow.table({"group": [number], "paths": [json.dumps(group)]})
                for listed in list_parts(table, job, done):
                    if listed["part"][0].as_py():
                        self.record(listed["part"][0].as_py())
                    yield parse_result(classifier(listed).to_pylist()[0])
        finally:
            for worker in classifier._workers:
                worker.kill()
            assert len(classifier._workers) <= 1  # the same for all parts

    def record(self, part: str) -> None:
        if len(self.parts) == self.breaks_after:
            raise BatchdigitsError("the cluster gave up")
        self.parts.append(part)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    cluster = Cluster()
    monkeypatch.setattr(ray_engine, "classify", cluster.classify)
    return cluster


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`scans` with 20 digits, odd names, unreadable files and a text file."""
    scans = make_images(tmp_path / "scans", 20, ["a,b.png", "line\nbreak.png", "\udcff.png"])
    for broken in (SAMPLES / "broken").iterdir():
        (scans / broken.name).write_bytes(broken.read_bytes())
    (scans / "notes.txt").write_text("not an image")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def remove_broken() -> None:
    """Leave no file in `scans` that gets an error row, which each run would do again."""
    for broken in (SAMPLES / "broken").iterdir():
        Path("scans", broken.name).unlink()


def on_ray(run: Run, *arguments: str, folder: str = "rows") -> Any:
    return run("classify", "scans", "--engine", "ray", "--part-size", "10", "-o", folder, *arguments)


def parts(folder: str = "rows") -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).glob("part-*")}


def manifest() -> Any:
    return json.loads(Path("rows/manifest.json").read_text())


def lines_of_parts() -> bytes:
    """The rows of all parts, in the order of their names, which is that of the sources."""
    return b"".join(content.partition(b"\n")[2] for _, content in sorted(parts().items()))


def test_the_rows_are_the_local_engines(scene: Path, cluster: Cluster, run: Run) -> None:
    result = on_ray(run, "--jobs", "3", "--ray-address", "somewhere:1")
    assert (result.exit_code, result.stdout) == (3, "")
    assert run("classify", "scans", "-o", "local.csv").exit_code == 3
    assert f"{count(Path('local.csv').read_bytes())}1 other file skipped" in result.stderr
    assert lines_of_parts() == Path("local.csv").read_bytes().partition(b"\n")[2]
    assert (manifest()["rows"], manifest()["passed_over"], len(manifest()["parts"])) == (27, 1, 3)
    assert manifest()["options"]["the sources"] == "scans"
    assert len(manifest()["model"]["sha256"]) == len(manifest()["normaliser"]["sha256"]) == 64
    assert (cluster.address, cluster.actors) == ("somewhere:1", 3)


@pytest.mark.parametrize("file_format", ["tsv", "jsonl", "parquet"])
def test_formats_and_columns(file_format: str, scene: Path, cluster: Cluster, run: Run) -> None:
    options = ["--format", file_format, "--top-k", "2", "--probabilities"]
    assert on_ray(run, *options).exit_code == 3
    assert run("classify", "scans", "-o", f"local.{file_format}", *options).exit_code == 3
    if file_format == "tsv":
        assert lines_of_parts() == Path("local.tsv").read_bytes().partition(b"\n")[2]
        assert manifest()["statuses"]["error"] == 3
    elif file_format == "jsonl":
        assert b"".join(content for _, content in sorted(parts().items())) == Path("local.jsonl").read_bytes()
    else:
        from pyarrow import concat_tables, parquet

        tables = [parquet.read_table(path) for path in sorted(Path("rows").glob("part-*"))]
        assert concat_tables(tables).equals(parquet.read_table("local.parquet"))


def test_a_folder_may_have_any_suffix(scene: Path, cluster: Cluster, run: Run) -> None:
    assert on_ray(run, folder="rows.2026").exit_code == 3
    assert {Path(name).suffix for name in parts("rows.2026")} == {".csv"}
    assert run("classify", "scans", "--engine", "ray", "-o", "rows.jsonl").exit_code == 3
    assert [Path(name).suffix for name in parts("rows.jsonl")] == [".jsonl"]
    assert json.loads(Path("rows.jsonl/manifest.json").read_text())["options"]["--part-size"] == 5_000


def test_resuming_does_only_the_missing_parts(scene: Path, cluster: Cluster, run: Run) -> None:
    cluster.breaks_after = 2
    broken_off = on_ray(run)
    assert broken_off.exit_code == 1
    assert "2 parts are done and kept; to continue, add --resume" in broken_off.stderr
    assert not Path("rows/manifest.json").exists()
    before = parts()
    assert "2 parts of it are done: add --resume" in on_ray(run).stderr
    cluster.breaks_after = 1_000
    resumed = on_ray(run, "--resume")
    assert resumed.exit_code == 3
    assert "2 parts are done" in resumed.stderr
    assert "20 files done before" in resumed.stderr
    assert len(cluster.parts) == 3
    assert parts().items() > before.items()
    assert manifest()["rows"] == 27
    assert "rows: 0 files added, 3 classified again, 24 kept" in on_ray(run, "--resume").stderr  # the errors


def test_the_summary_is_the_local_engines(scene: Path, cluster: Cluster, run: Run) -> None:
    names = ("images", "statuses", "expected_errors", "sources", "skipped", "model", "threshold")
    assert run("classify", "scans", "--summary", "local.json").exit_code == 3
    assert on_ray(run, "--summary", "ray.json").exit_code == 3
    local, ray = (json.loads(Path(name).read_text()) for name in ("local.json", "ray.json"))
    assert {name: ray[name] for name in names} == {name: local[name] for name in names}
    assert (ray["images_of_this_run"], ray["options"]["engine"], ray["host"]["workers"]) == (27, "ray", None)
    assert on_ray(run, "--resume", "--summary", "ray.json").exit_code == 3
    again = json.loads(Path("ray.json").read_text())
    assert {name: again[name] for name in names} == {name: local[name] for name in names}
    assert again["images_of_this_run"] == 3  # the errors


def test_other_options_and_other_sources_of_an_unfinished_run_are_refused(
    scene: Path, cluster: Cluster, run: Run
) -> None:
    cluster.breaks_after = 2
    on_ray(run)
    for arguments, message in (
        (["--ink", "dark"], "--ink was auto when it was begun, and is dark now"),
        (["--part-size", "7"], "--part-size was 10 when it was begun, and is 7 now"),
        (["scans"], "the sources was scans when it was begun, and is scans scans now"),
        (["--exclude", "1*"], "the sources was scans when it was begun, and is scans --exclude 1* now"),
    ):
        result = on_ray(run, "--resume", *arguments)
        assert result.exit_code == 1
        assert message in result.stderr
    assert on_ray(run).exit_code == 1
    cluster.breaks_after = 1_000
    assert on_ray(run, "--overwrite", "--include", "1?.png", "--exclude", "notes.txt").exit_code == 0
    assert manifest()["rows"] == 10
    assert "--ink was auto when it was begun, and is dark now" in on_ray(run, "--resume", "--ink", "dark").stderr


def test_a_finished_folder_is_added_to_and_hand_edits_stay(scene: Path, cluster: Cluster, run: Run) -> None:
    remove_broken()
    on_ray(run)
    first = min(parts())
    edited = parts()[first].replace(b",ok,", b",ok,by hand", 1)
    Path("rows", first).write_bytes(edited)
    before = parts()
    refused = on_ray(run)
    assert refused.exit_code == 1
    assert "holds a finished run: add --resume to add what is new and keep the rest, or --overwrite" in refused.stderr
    make_images(Path("scans"), 0, ["0a.png", "z.png"])  # the first would shift all others
    Path("more").mkdir()
    make_images(Path("more"), 3)
    added = on_ray(run, "more", "--resume", "--part-size", "7")
    assert "rows: 5 files added, 0 classified again, 23 kept" in added.stderr
    assert "28 images: " in added.stderr
    assert parts().items() > before.items()
    new = sorted(parts().keys() - before.keys())
    assert [name > max(before) for name in new] == [True, True]
    paths = [line.partition(b",")[0] for name in new for line in parts()[name].splitlines()[1:]]
    assert paths == [b"scans/0a.png", b"scans/z.png", b"more/0.png", b"more/1.png", b"more/2.png"]
    assert (manifest()["rows"], len(manifest()["parts"])) == (28, 5)
    before = parts()
    assert "no images left to do" in on_ray(run, "more", "--resume").stderr
    assert parts() == before


def test_parts_whose_sources_are_not_named_stay_unless_pruned(scene: Path, cluster: Cluster, run: Run) -> None:
    remove_broken()
    on_ray(run)
    make_images(Path("more"), 3)
    add = ("classify", "more", "--engine", "ray", "-o", "rows", "--resume")
    before = parts()
    assert "rows: 3 files added, 0 classified again, 0 kept, 23 no longer named and kept" in run(*add).stderr
    assert parts().items() > before.items()
    assert manifest()["rows"] == 26
    assert "0 files added, 0 classified again, 3 kept, 23 no longer named and dropped" in run(*add, "--prune").stderr
    assert parts().keys().isdisjoint(before)
    assert manifest()["rows"] == 3
    result = run("classify", "more", "--engine", "ray", "-o", "rows", "--prune")
    assert (result.exit_code, "--prune needs --resume" in result.stderr) == (2, True)


def test_prune_drops_files_that_are_not_named_from_parts_with_others(scene: Path, cluster: Cluster, run: Run) -> None:
    remove_broken()
    on_ray(run)
    with Path("rows", min(parts())).open("ab") as part:
        part.write(b",a row without a path,,,\n")
    Path("scans/0.png").unlink()
    assert "0 files added, 0 classified again, 22 kept, 1 no longer named and kept" in on_ray(run, "--resume").stderr
    kept = lines_of_parts().splitlines()
    assert "22 kept, 1 no longer named and dropped" in on_ray(run, "--resume", "--prune").stderr
    dropped = set(kept) - set(lines_of_parts().splitlines())
    assert [line.partition(b",")[0] for line in dropped] == [b"scans/0.png"]
    assert b",a row without a path,,," in lines_of_parts()
    assert "no images left to do" in on_ray(run, "--resume", "--prune").stderr


def test_prune_drops_no_row_whose_image_may_still_be_there(scene: Path, cluster: Cluster, run: Run) -> None:
    remove_broken()
    make_images(Path("more"), 1)
    on_ray(run, "more")
    before = lines_of_parts()
    Path("scans").rename("away")
    Path("scans").mkdir()
    refused = on_ray(run, "more", "--resume", "--prune")
    assert "no images in scans: mount its disk" in refused.stderr
    assert lines_of_parts() == before
    Path("list").write_text("more\nscans/\n")
    Path("scans").rmdir()
    kept = run("classify", "--files-from", "list", "--engine", "ray", "-o", "rows", "--resume", "--prune")
    assert "23 in folders or archives that could not be read, and kept" in kept.stderr
    assert set(before.splitlines()) < set(lines_of_parts().splitlines())


def test_an_addition_that_was_stopped_goes_on(scene: Path, cluster: Cluster, run: Run) -> None:
    remove_broken()
    on_ray(run)
    before, first = parts(), manifest()
    make_images(Path("more"), 20)
    cluster.parts, cluster.breaks_after = [], 1
    assert "1 parts are done and kept; to continue" in on_ray(run, "more", "--resume").stderr
    assert manifest() == first
    assert Path("rows/unfinished.json").exists()
    assert "the sources was scans more when it was begun" in on_ray(run, "--resume").stderr
    cluster.breaks_after = 1_000
    assert "1 parts are done" in on_ray(run, "more", "--resume").stderr
    assert len(cluster.parts) == 2
    assert parts().items() > before.items()
    assert manifest()["rows"] == 43
    assert not Path("rows/unfinished.json").exists()


@pytest.mark.parametrize("file_format", ["csv", "jsonl", "parquet"])
def test_sources_are_known_again_in_every_format(file_format: str, scene: Path, cluster: Cluster, run: Run) -> None:
    remove_broken()
    page = Image.open(SAMPLES / "digits" / "3" / "large.png")
    page.save("scans/pages.tif", save_all=True, append_images=[page])
    on_ray(run, "--format", file_format)
    if file_format == "csv":  # a spreadsheet adds a byte order mark, and has semicolons
        Path("rows", min(parts())).write_bytes(b"\xef\xbb\xbf" + parts()[min(parts())].replace(b",", b";"))
    before = parts()
    again = on_ray(run, "--format", file_format, "--resume")
    assert "no images left to do" in again.stderr, again.stderr
    assert parts() == before


def change(path: str) -> None:
    """Replace an image by another, of another size."""
    Path(path).write_bytes((SAMPLES / "digits" / "3" / "large.png").read_bytes())


def edit(part: str, old: bytes, new: bytes, but: Sequence[bytes] = ()) -> None:
    """Replace some bytes in the lines of a part, but not in those that hold others."""
    lines = parts()[part].splitlines(keepends=True)
    edited = [line if any(map(line.__contains__, but)) else line.replace(old, new) for line in lines]
    Path("rows", part).write_bytes(b"".join(edited))


def rows_by_path(content: bytes) -> dict[bytes, bytes]:
    return {line.partition(b",")[0]: line for line in content.splitlines()[1:]}


@pytest.mark.parametrize("file_format", ["csv", "jsonl", "parquet"])
def test_a_changed_file_is_done_again_and_other_rows_keep_their_edits(
    file_format: str, scene: Path, cluster: Cluster, run: Run
) -> None:
    remove_broken()
    Image.open("scans/1.png").save("scans/0.tif", save_all=True, append_images=[Image.open("scans/2.png")])
    on_ray(run, "--format", file_format)
    first = min(parts())
    if file_format != "parquet":
        edit(first, b"ok", b"ok by hand", but=(b"scans/0.tif", b"scans/3.png"))
    if file_format == "csv":  # a spreadsheet adds a byte order mark
        Path("rows", first).write_bytes(b"\xef\xbb\xbf" + parts()[first])
    before, reader = parts(), output_format(file_format).reader(columns())  # type: ignore[arg-type]
    old = list(reader.pieces(Path("rows", first)))
    for changed in ("scans/0.tif", "scans/3.png"):
        change(changed)
    assert "rows: 0 files added, 2 classified again, 22 kept" in on_ray(run, "--format", file_format, "--resume").stderr
    assert first not in parts()
    (rewritten, added) = sorted(parts().keys() - before.keys())
    paths = [reader.head(row).path for row in list(reader.pieces(Path("rows", added)))[1:]]
    assert paths == ["scans/0.tif", "scans/3.png"]
    names = ("scans/0.tif#1", "scans/0.tif#2", "scans/3.png")
    assert list(reader.pieces(Path("rows", rewritten))) == [row for row in old if not row_is_of(row, reader, names)]
    assert len(old) - 3 == len(list(reader.pieces(Path("rows", rewritten))))
    assert manifest()["rows"] == 24
    assert [part["name"] for part in manifest()["parts"]] == sorted(parts())
    assert {path.name for path in Path("rows").glob(".part-*")} == {f".{name}.done" for name in parts()}
    after = parts()
    assert "no images left to do" in on_ray(run, "--format", file_format, "--resume").stderr
    assert parts() == after


def test_the_error_of_an_archive_that_can_be_read_again_is_dropped(scene: Path, cluster: Cluster, run: Run) -> None:
    archive_on_ray = ("classify", "scans/more.zip", "--engine", "ray", "-o", "rows")
    Path("scans/more.zip").write_bytes(b"no archive")
    assert run(*archive_on_ray).exit_code == 3
    with ZipFile("scans/more.zip", "w") as archive:
        archive.write("scans/1.png", "7/1.png")
        archive.write("scans/2.png", "7/2.png")
    result = run(*archive_on_ray, "--resume")
    assert (result.exit_code, "rows: 2 files added, 0 classified again, 0 kept\n" in result.stderr) == (0, True)
    assert lines_of_parts().count(b"scans/more.zip/7/") == lines_of_parts().count(b"scans/more.zip") == 2
    assert (manifest()["rows"], len(manifest()["parts"])) == (2, 1)


@pytest.mark.parametrize("file_format", ["csv", "jsonl"])
def test_edited_rows_stay_although_their_files_have_changed(
    file_format: str, scene: Path, cluster: Cluster, run: Run
) -> None:
    remove_broken()
    on_ray(run, "--format", file_format)
    first = min(parts())
    edit(first, b"ok", b"ok by hand", but=(b"scans/3.png",))
    before = parts()
    change("scans/1.png")
    change("scans/4.png")
    result = on_ray(run, "--format", file_format, "--resume", "--log-format", "json")
    assert parts() == before
    (line,) = (json.loads(line) for line in result.stderr.splitlines() if '"added"' in line)
    assert line["event"] == "added"
    numbers = {"added": 0, "changed": 0, "kept": 23, "edited": 2, "unnamed": 0}
    assert line.items() >= numbers.items()
    assert line["message"].endswith("23 kept, of these 2 with rows edited by hand, though their files have changed")
    change("scans/3.png")
    assert "1 classified again, 22 kept, of these 2 with" in on_ray(run, "--format", file_format, "--resume").stderr
    assert first not in parts()  # the edited rows are in another part now, and stay all the same
    assert "0 classified again, 23 kept, of these 2 with" in on_ray(run, "--format", file_format, "--resume").stderr


def test_rows_that_a_person_added_stay_and_deleted_ones_are_made_anew(scene: Path, cluster: Cluster, run: Run) -> None:
    remove_broken()
    on_ray(run)
    first = min(parts())
    deleted = next(line for line in parts()[first].splitlines(keepends=True) if line.startswith(b"scans/3.png,"))
    make_images(Path("scans"), 0, ["by-hand.png"])
    edit(first, deleted, b"scans/by-hand.png,7,,ok,,\n")
    before = parts()
    assert "rows: 1 file added, 0 classified again, 23 kept" in on_ray(run, "--resume").stderr
    assert parts().items() > before.items()
    assert lines_of_parts().endswith(deleted)
    assert manifest()["rows"] == 24


def test_a_file_that_is_named_twice_is_not_taken_for_edited(scene: Path, cluster: Cluster, run: Run) -> None:
    Path("list").write_text("scans/3.png\n" * 2 * LISTING_TASKS)  # in each part twice
    twice = ("classify", "--files-from", "list", "--engine", "ray", "-o", "rows")
    run(*twice)
    change("scans/3.png")
    assert "rows: 0 files added, 64 classified again, 0 kept" in run(*twice, "--resume").stderr
    assert manifest()["rows"] == 64
    assert "rows: 0 files added, 0 classified again, 64 kept" in run(*twice, "--resume").stderr


def columns() -> Columns:
    return Columns(tuple("0123456789"))


def row_is_of(row: bytes, reader: Reader, paths: Sequence[str]) -> bool:
    return bool(row) and reader.head(row).path in paths


def test_errors_are_tried_again_unless_answered(scene: Path, cluster: Cluster, run: Run) -> None:
    on_ray(run)
    holds = {name: content for name, content in parts().items() if b",error," in content}
    (name,) = holds
    errors = [line for line in holds[name].splitlines(keepends=True) if b",error," in line]
    answered = errors[0].replace(b",,,error,", b",7,,error,")
    Path("rows", name).write_bytes(holds[name].replace(errors[0], answered))
    edit(name, b"not an image", b"not an image, says Ann")  # which answers nothing
    mended = os.fsdecode(errors[1].partition(b",")[0])
    change(mended)
    assert "rows: 0 files added, 2 classified again, 25 kept" in on_ray(run, "--resume").stderr
    assert answered in lines_of_parts()
    assert (manifest()["rows"], manifest()["statuses"]["error"]) == (27, 2)
    kept = parts()
    assert (
        "rows: 0 files added, 1 classified again, 26 kept" in on_ray(run, "--resume").stderr
    )  # the third error, again
    assert answered in lines_of_parts()
    assert len(parts().keys() & kept.keys()) == 3
    names = len(parts())
    assert "rows: 0 files added, 1 classified again, 26 kept" in on_ray(run, "--resume").stderr
    assert len(parts()) == names  # a part without a row is dropped
    rest = next(line for line in lines_of_parts().splitlines() if b",,,error," in line)
    name = next(name for name, content in parts().items() if rest in content)
    Path("rows", name).write_bytes(parts()[name].replace(rest, rest.replace(b",,,error,", b",1,,error,")))
    assert "no images left to do" in on_ray(run, "--resume").stderr


def test_an_error_in_a_rewritten_part_may_still_be_answered(scene: Path, cluster: Cluster, run: Run) -> None:
    on_ray(run)
    before = parts()
    lines = next(content for content in before.values() if b",error," in content).splitlines()
    changed = os.fsdecode(
        next(line for line in lines if line.startswith(b"scans/") and b",ok," in line).partition(b",")[0]
    )
    change(changed)
    run("classify", changed, "--engine", "ray", "-o", "rows", "--resume")
    name = next(name for name in parts().keys() - before.keys() if b",error," in parts()[name])
    answered = parts()[name].replace(b",,,error,", b",7,,error,")
    Path("rows", name).write_bytes(answered)
    assert "no images left to do" in on_ray(run, "--resume").stderr
    assert parts()[name] == answered


def test_an_error_that_is_answered_during_a_run_stays(
    scene: Path, cluster: Cluster, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_ray(run)
    name, content = next(item for item in parts().items() if b",error," in item[1])
    answered = content.replace(b",,,error,", b",7,,error,")
    with monkeypatch.context() as patched:
        patched.setattr(cluster, "record", lambda part: Path("rows", name).write_bytes(answered))
        result = on_ray(run, "--resume")
    assert result.exit_code == 1
    assert f"{name} in rows was edited during this run, and is left as it is" in result.stderr
    assert "1 parts are done and kept; to continue, add --resume" in result.stderr
    assert on_ray(run, "--resume").exit_code == 3
    assert parts()[name] == answered
    assert manifest()["rows"] == 27


@pytest.mark.parametrize("step", range(13))
def test_nothing_is_lost_wherever_a_run_is_killed(
    step: int, scene: Path, cluster: Cluster, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_ray(run)
    first = min(parts())
    Path("rows", first).write_bytes(parts()[first].replace(b",ok,", b",ok,by hand", 1))
    change("scans/3.png")
    paths = set(rows_by_path(b"\n" + lines_of_parts()))
    left = step
    whole = {action: getattr(LocalFolder, action) for action in ("write", "remove")}

    def killed_at(action: str) -> Any:
        def act(*arguments: Any) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise BatchdigitsError("killed")
            whole[action](*arguments)

        return act

    with monkeypatch.context() as patched:
        for action in whole:
            patched.setattr(LocalFolder, action, killed_at(action))
        assert on_ray(run, "--resume").exit_code == 1
    listed = [part["name"] for part in manifest()["parts"]]
    rows = b"".join(parts()[name].partition(b"\n")[2] for name in listed)
    assert set(rows_by_path(b"\n" + rows)) == paths
    assert rows.count(b",ok,by hand") == 1
    assert manifest()["rows"] == 27
    assert on_ray(run, "--resume").exit_code == 3
    assert sorted(parts()) == [part["name"] for part in manifest()["parts"]]
    assert lines_of_parts().count(b",ok,by hand") == 1
    assert set(rows_by_path(b"\n" + lines_of_parts())) == paths
    assert lines_of_parts().count(b"scans/3.png,") == 1
    assert {path.name for path in Path("rows").iterdir()} == {
        "manifest.json",
        *parts(),
        *(f".{name}.done" for name in parts()),
    }


@pytest.mark.parametrize("beside", [None, b"no records"])
def test_a_missing_or_damaged_file_beside_a_part_is_named(
    beside: bytes | None, scene: Path, cluster: Cluster, run: Run
) -> None:
    on_ray(run)
    path = Path("rows", f".{min(parts())}.done")
    path.unlink() if beside is None else path.write_bytes(beside)
    before = parts()
    result = on_ray(run, "--resume")
    assert result.exit_code == 1
    assert f"cannot add to rows: {path.name} in it is missing or damaged; give another folder" in result.stderr
    assert parts() == before
    assert not Path("rows/unfinished.json").exists()


def test_a_part_that_cannot_be_read_any_more_is_named(scene: Path, cluster: Cluster, run: Run) -> None:
    on_ray(run)
    spoilt = min(parts())
    Path("rows", spoilt).write_bytes(b"")
    before = parts()
    result = on_ray(run, "--resume")
    assert result.exit_code == 1
    assert f"cannot add to rows: {spoilt} cannot be read any more" in result.stderr
    assert parts() == before
    assert manifest()["rows"] == 27


def test_a_mistyped_path_leaves_the_folder_as_it_is(scene: Path, cluster: Cluster, run: Run) -> None:
    for there in (False, True):
        before = sorted(Path("rows").glob("*"))
        for options in ([], ["--resume"], ["--overwrite"]) if there else ([],):
            result = run("classify", "scnas", "--engine", "ray", "-o", "rows", *options)
            assert result.exit_code == 1
            if options or not there:
                assert "error: scnas: no such file or folder" in result.stderr
            assert sorted(Path("rows").glob("*")) == before
        on_ray(run)


def test_a_hang_is_a_row(scene: Path, cluster: Cluster, run: Run) -> None:
    result = on_ray(run, "--include", "1?.png", "--exclude", "1[2-9].png", "--timeout", "0.000001")
    assert result.exit_code == 3
    assert lines_of_parts().count(b",,,error,took longer than 1e-06 s,\n") == manifest()["rows"] == 2


def test_too_many_failures_end_the_run(scene: Path, cluster: Cluster, run: Run) -> None:
    result = on_ray(run, "--max-failures", "2")
    assert result.exit_code == 1
    assert "3 of 27 images could not be read, more than --max-failures 2 allows" in result.stderr
    assert not Path("rows/manifest.json").exists()
    for _ in range(2):  # the second time, only the three are left to do
        assert on_ray(run, "--resume", "--max-failures", "12%", folder="share").exit_code == 3


def test_a_share_of_failures_counts_changed_images_once(scene: Path, cluster: Cluster, run: Run) -> None:
    remove_broken()
    on_ray(run)
    for image in Path("scans").rglob("*.png"):
        os.utime(image, (1, 1))
    for image in sorted(Path("scans").glob("?.png"))[:2]:
        image.write_bytes(b"")
    result = on_ray(run, "--resume", "--max-failures", "5%")
    assert result.exit_code == 1
    assert "2 of 23 images could not be read, more than --max-failures 5% allows" in result.stderr


def test_no_images_leave_nothing(scene: Path, cluster: Cluster, run: Run) -> None:
    Path("empty").mkdir()
    result = run("classify", "empty", "--engine", "ray", "-o", "rows")
    assert result.exit_code == 1
    assert "no images in empty" in result.stderr
    assert not Path("rows").exists()
    assert "no images in the list" in run("classify", "--files-from", "-", "--engine", "ray", "-o", "rows").stderr
    mixed = on_ray(run, "empty", folder="more")
    assert mixed.exit_code == 1
    assert "no images in empty" in mixed.stderr
    assert Path("more/manifest.json").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--engine", "ray"], "--engine ray reads files and URLs, and writes a folder"),
        (["--engine", "ray", "-o", "-"], "--engine ray reads files and URLs, and writes a folder"),
        (["-o", "s3://bucket/rows.csv"], "-o is a URL, which only --engine ray writes to"),
        (["--ray-address", "auto"], "--ray-address needs --engine ray"),
        (["--part-size", "3"], "--part-size needs --engine ray"),
    ],
)
def test_options_that_do_not_go_together(arguments: list[str], message: str, scene: Path, run: Run) -> None:
    result = run("classify", "scans", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize("folder", ["rows", "rows/"])
def test_a_missing_ray_says_what_to_install(
    folder: str, scene: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    result = on_ray(run, folder=folder)
    assert result.exit_code == 1
    assert "--engine ray needs an optional package; install it with: " in result.stderr
    assert "pip install 'batchdigits[ray]'" in result.stderr
    assert not Path("rows").exists()


def test_an_error_on_a_node_is_one_line() -> None:
    class WrapperError(NoImagesError):  # as Ray makes one, of the class of its cause
        cause = NoImagesError("scnas: no such file or folder")

    error = ray_cluster.explain(WrapperError("a traceback\nof many lines"))
    assert str(error) == "scnas: no such file or folder"


def test_a_handler_of_sigterm_that_python_did_not_set_ends_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = ModuleType("ray")
    ray.__dict__.update(data=ModuleType("ray.data"), init=lambda *_, **__: None, shutdown=lambda: None)
    for name, module in (("ray", ray), ("ray.data", ray.data)):
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(signal, "getsignal", lambda _: None)
    with ray_cluster.connected("local") as connected:
        assert connected is ray


def job_of(scene: Path, **changes: Any) -> ClusterJob:
    from dataclasses import replace

    from batchdigits.engines.worker import Task
    from batchdigits.files.filter import Filter

    job = ClusterJob(Task(Path("m"), None, None, None), None, "csv", Filter())  # type: ignore[arg-type]
    return replace(job, **changes)


def test_a_node_that_cannot_classify_says_why(scene: Path) -> None:
    import pyarrow

    table = pyarrow.table({"group": [0], "paths": [json.dumps(["scans"])]})
    with pytest.raises(BatchdigitsError, match="a node of the cluster has no folder /nowhere: give URLs"):
        list(list_parts(table, job_of(scene, folder="/nowhere"), DoneParts()))
    with pytest.raises(BatchdigitsError, match=r"a node of the cluster has batchdigits .*, not 9\.9"):
        list(list_parts(table, job_of(scene, version="9.9"), DoneParts()))
    absolute = pyarrow.table({"group": [0], "paths": [json.dumps([str(scene / "scans"), "memory://x.png"])]})
    assert len(list(list_parts(absolute, job_of(scene, folder="/nowhere"), DoneParts()))) == 2
