"""classify keeps finished rows and resumes after a kill, a signal, a full disk, or changed or broken files."""

from __future__ import annotations

import os
import random
import re
import resource
import shutil
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image

from batchdigits.cli.table.max_failures import MaxFailuresType
from batchdigits.errors import TooManyFailuresError
from batchdigits.inference.choose import PRETRAINED
from batchdigits.inference.model_file import KERAS_WEIGHTS
from batchdigits.output.journal import RECORD
from tests.conftest import SAMPLES
from tests.engines import helpers
from tests.engines.helpers import classify, rows, start

IMAGES = 1_500
KILLS = 20


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`scans` with many digits in folders, a few unreadable files, and `hang.png` near the end of each folder."""
    folder = tmp_path_factory.mktemp("scene")
    for number in range(3):
        scans = helpers.make_images(folder / "scans" / str(number), IMAGES // 3)
        for broken in (SAMPLES / "broken").iterdir():
            shutil.copy(broken, scans)
    shutil.copy(scans / "0.png", scans / "hang.png")
    return folder


@pytest.fixture(scope="module")
def undisturbed(scene: Path) -> bytes:
    return classify("scans", cwd=scene, own_process=True).stdout


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "out.csv"


def beside(output: Path) -> list[str]:
    return sorted(entry.name for entry in output.parent.iterdir() if not entry.name.endswith(".done"))


def wait_for(path: Path, size: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until a file has reached a size, has not grown for 10 s, or the process has ended."""
    reached = since = 0.0
    while process.poll() is None:
        with suppress(OSError):
            if path.stat().st_size > reached:
                reached, since = path.stat().st_size, time.monotonic()
        if reached >= size or (reached and time.monotonic() - since > 10):
            return
        time.sleep(0.001)


def begin(
    scene: Path, output: Path, *options: str, rows: int = 100, faulty_decoder: bool = True
) -> subprocess.Popen[bytes]:
    """Start a run, and wait until it has written about so many rows. If faulty_decoder, it hangs before its end."""
    process = start("scans", "-o", output, *options, cwd=scene, faulty_decoder=faulty_decoder)
    wait_for(output.parent / f".{output.name}.part", rows * 25, process)
    return process


def kill(process: subprocess.Popen[bytes]) -> bool:
    """Kill a process, and return whether it was still running."""
    process.kill()
    process.communicate()
    return process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("kills", [KILLS // 3, pytest.param(KILLS, marks=pytest.mark.slow)])
def test_killed_at_random_points_and_resumed_gives_the_undisturbed_bytes(
    kills: int, scene: Path, undisturbed: bytes, output: Path
) -> None:
    chance = random.Random(4)
    killed = 0
    for number in range(kills):
        hangs = number % 2 == 0  # the others may be killed in their last steps, or end before
        rows = int(chance.random() * IMAGES * (0.5 if hangs else 1))
        killed += kill(begin(scene, output, "--resume", rows=rows, faulty_decoder=hangs))
        assert not output.exists() or output.read_bytes() == undisturbed
        if number % 4 == 0:
            killed += kill(begin(scene, output, "--resume", rows=chance.randint(rows, IMAGES // 2)))
        result = classify("scans", "-o", output, "--resume", cwd=scene)
        assert result.returncode == 3, result.stderr
        assert output.read_bytes() == undisturbed
        assert beside(output) == ["out.csv"]
        output.unlink()
    assert killed >= kills * 3 // 4


def test_a_resumed_run_does_not_begin_again(scene: Path, undisturbed: bytes, output: Path) -> None:
    assert kill(begin(scene, output, rows=600))
    messages = classify("scans", "-o", output, "--resume", cwd=scene).stderr.decode()
    before = re.search(r"([\d,]+) files? done before", messages)
    assert before and int(before[1].replace(",", "")) >= 100  # chunks are larger on a fast machine: the next one hangs
    assert output.read_bytes() == undisturbed


def test_jsonl_resumes_too(scene: Path, tmp_path: Path) -> None:
    whole = classify("scans", "--format", "jsonl", cwd=scene).stdout
    output = tmp_path / "out.jsonl"
    assert kill(begin(scene, output, rows=600))
    classify("scans", "-o", output, "--resume", cwd=scene)
    assert output.read_bytes() == whole


def test_an_unfinished_output_is_refused_without_resume_or_overwrite(
    scene: Path, undisturbed: bytes, output: Path
) -> None:
    assert kill(begin(scene, output))
    result = classify("scans", "-o", output, cwd=scene)
    assert (result.returncode, output.exists()) == (1, False)
    assert b"add --resume to continue, or --overwrite" in result.stderr
    result = classify("scans", "-o", output, "--overwrite", cwd=scene)
    assert b"done before" not in result.stderr
    assert output.read_bytes() == undisturbed


def test_files_that_changed_are_done_again(scene: Path, tmp_path: Path) -> None:
    shutil.copytree(scene / "scans", tmp_path / "scans")
    output = tmp_path / "out.csv"
    assert kill(begin(tmp_path, output, rows=600))
    first = tmp_path / "scans" / "0" / "0.png"
    first.write_bytes((tmp_path / "scans" / "0" / "2.png").read_bytes())
    (tmp_path / "scans" / "0" / "1.png").unlink()
    classify("scans", "-o", output, "--resume", cwd=tmp_path)
    assert output.read_bytes() == classify("scans", cwd=tmp_path).stdout
    assert rows(output.read_bytes())[0][1] == "1"  # MNIST's third test image; the first is a 7


def test_a_finished_table_is_added_to_and_never_replaced_unasked(scene: Path, tmp_path: Path) -> None:
    shutil.copytree(scene / "scans", tmp_path / "scans", ignore=lambda path, names: names[20:])
    (tmp_path / "scans" / "broken.png").write_bytes(b"")
    output = tmp_path / "out.csv"
    assert classify("scans", "-o", output, cwd=tmp_path).returncode == 3
    first, *_ = [row for row in rows(output.read_bytes()) if row[1]]
    by_hand = output.read_bytes().replace(f"{first[0]},{first[1]}".encode(), f"{first[0]},x".encode())
    output.write_bytes(by_hand)

    refused = classify("scans", "-o", output, cwd=tmp_path)
    assert refused.returncode == 1
    assert b"out.csv exists: add --resume to add what is new and keep the rest, or --overwrite" in refused.stderr
    mistyped = classify("scnas", "-o", output, "--overwrite", cwd=tmp_path)
    assert mistyped.returncode == 1
    assert b"error: scnas: no such file or folder" in mistyped.stderr
    assert output.read_bytes() == by_hand

    shutil.copy(tmp_path / first[0], tmp_path / "zz.png")
    again = classify("scans", "zz.png", "-o", output, "--resume", cwd=tmp_path)
    assert b"1 file added, 1 classified again" in again.stderr  # the broken one
    last = classify("zz.png", cwd=tmp_path).stdout.splitlines(keepends=True)[1]
    assert output.read_bytes() == by_hand + last
    fewer = classify("zz.png", "-o", output, "--resume", cwd=tmp_path)
    assert b"no longer named and kept (--prune drops them)" in fewer.stderr
    assert output.read_bytes() == by_hand + last
    pruned = classify("zz.png", "-o", output, "--resume", "--prune", cwd=tmp_path)
    assert b"no longer named and dropped" in pruned.stderr
    assert output.read_bytes() == classify("zz.png", cwd=tmp_path).stdout
    assert classify("zz.png", "-o", output, "--prune", cwd=tmp_path).returncode == 2


def test_prune_drops_no_row_whose_image_may_still_be_there(tmp_path: Path) -> None:
    """A disk that is not mounted leaves an empty folder, and an archive that is being copied cannot be read."""
    helpers.make_images(tmp_path / "scans", 2)
    shutil.make_archive(str(tmp_path / "more"), "zip", tmp_path / "scans")
    output = tmp_path / "out.csv"
    command = ("scans", "more.zip", "-o", output, "--resume", "--prune")
    assert classify(*command, cwd=tmp_path).returncode == 0
    output.write_bytes(before := output.read_bytes().replace(b",ok,", b",reviewed,"))
    (tmp_path / "scans").rename(tmp_path / "away")
    (tmp_path / "scans").mkdir()
    refused = classify(*command, cwd=tmp_path)
    assert (refused.returncode, output.read_bytes()) == (1, before)
    assert b"no images in scans: mount its disk, or leave it out if --prune shall drop its rows" in refused.stderr
    excluded = classify(*command, "--exclude", "scans/*", cwd=tmp_path)
    assert b"no images in scans that match --include and --exclude: mount its disk" in excluded.stderr
    assert classify(*command[1:], cwd=tmp_path).returncode == 0
    archive = (tmp_path / "more.zip").read_bytes()
    (tmp_path / "more.zip").write_bytes(archive[:-100])
    kept = classify(*command[1:], cwd=tmp_path)
    assert b"0 kept, 2 in folders or archives that could not be read, and kept" in kept.stderr
    assert output.read_bytes().count(b",reviewed,") == 2
    assert b"\nmore.zip,,,error," in output.read_bytes()


def test_a_folder_under_another_spelling_adds_nothing(tmp_path: Path) -> None:
    helpers.make_images(tmp_path / "scans", 8)
    classify("scans", "-o", "out.csv", cwd=tmp_path)
    before = (tmp_path / "out.csv").read_bytes()
    for spelling in ("./scans", ".//scans/./"):
        again = classify(spelling, "-o", "out.csv", "--resume", cwd=tmp_path)
        assert b"out.csv: 0 files added, 0 classified again, 8 kept\n" in again.stderr
    assert (tmp_path / "out.csv").read_bytes() == before


def test_the_pages_of_a_file_with_a_newline_in_its_name_are_added_once(tmp_path: Path) -> None:
    tiff = Image.new("L", (28, 28))
    tiff.save(tmp_path / "a\nb.tif", save_all=True, append_images=[tiff])
    for output in ("out.csv", "out.jsonl"):
        classify("a\nb.tif", "-o", output, cwd=tmp_path)
        before = (tmp_path / output).read_bytes()
        again = classify("a\nb.tif", "-o", output, "--resume", cwd=tmp_path)
        assert f"{output}: 0 files added, 0 classified again, 1 kept\n".encode() in again.stderr
        assert (tmp_path / output).read_bytes() == before


def test_a_table_that_was_saved_in_another_encoding_is_not_added_to(tmp_path: Path) -> None:
    """No row would be found, and all files would be added again. A file name that is no UTF-8 is no such thing."""
    scans, output = helpers.make_images(tmp_path / "scans", 2), tmp_path / "out.csv"
    (scans / "0.png").rename(scans / "gr\u00fc\u00df.png")
    shutil.copy(SAMPLES / "digits/3/as-is.png", scans / "odd\udcfc.png")
    tiff = Image.new("L", (28, 28))
    tiff.save(scans / "odd\udcfc.tif", save_all=True, append_images=[tiff])
    for _ in range(2):
        assert classify("scans", "-o", output, "--resume", cwd=tmp_path).returncode == 0
    content = output.read_bytes()
    assert len(content.splitlines()) == 6
    output.write_bytes(content.replace("gr\u00fc\u00df".encode(), "gr\u00fc\u00df".encode("cp1252")))
    before = output.read_bytes()
    result = classify("scans", "-o", output, "--resume", cwd=tmp_path)
    assert (result.returncode, output.read_bytes()) == (1, before)
    assert "scans/gr??.png in it is not in UTF-8 any more: save it as UTF-8" in result.stderr.decode()


@pytest.mark.slow
def test_random_kills_between_additions_changes_and_edits_lose_no_row_and_no_edit(tmp_path: Path) -> None:
    chance = random.Random(7)
    scans = helpers.make_images(tmp_path / "scans", 60)
    output = tmp_path / "out.csv"
    assert classify("scans", "-o", output, cwd=tmp_path).returncode == 0
    by_hand: dict[str, bytes] = {}
    killed = 0
    for number in range(KILLS):
        helpers.make_images(scans, 0, [f"slow{number}-{index}.png" for index in range(chance.randint(1, 30))])
        changed = f"scans/{chance.randint(0, 59)}.png"
        (tmp_path / changed).write_bytes((scans / f"{chance.randint(0, 59)}.png").read_bytes())
        by_hand.pop(changed, None)
        process = start("scans", "-o", output, "--resume", cwd=tmp_path, faulty_decoder=True)
        time.sleep(chance.uniform(0.2, 1.5))
        killed += kill(process)
        if number % 2:
            edit_a_row(output, chance, by_hand, but=changed)  # whose row is made again
        result = classify("scans", "-o", output, "--resume", cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        lines = output.read_bytes().splitlines()
        assert Counter(row[0] for row in rows(output.read_bytes())) == Counter(
            f"scans/{p.name}" for p in scans.iterdir()
        )
        assert set(by_hand.values()) <= set(lines)
        assert len((tmp_path / ".out.csv.done").read_bytes().partition(b"\n")[2]) == 24 * (len(lines) - 1)
        edit_a_row(output, chance, by_hand)
    assert killed >= KILLS // 2


def edit_a_row(output: Path, chance: random.Random, by_hand: dict[str, bytes], but: str = "") -> None:
    """Correct the label of a row, as a person would, and note the row under its path."""
    lines = output.read_bytes().splitlines(keepends=True)
    index = chance.choice([i for i in range(1, len(lines)) if not lines[i].startswith(f"{but},".encode())])
    path, _, rest = lines[index].split(b",", 2)
    lines[index] = b",".join((path, b"x", rest))
    by_hand[path.decode()] = lines[index].rstrip(b"\n")
    output.write_bytes(b"".join(lines))


CHANGES = (
    (["--ink", "dark"], "--ink was auto when it was begun, and is dark now"),
    (["--top-k", "2"], "--top-k was 1 when it was begun, and is 2 now"),
    (["--probabilities"], "--probabilities was off when it was begun, and is on now"),
    (["--format", "jsonl"], "--format was csv when it was begun, and is jsonl now"),
    (["--model", "other.tflite"], "the model was "),
    (["--model", "labels.tflite"], "the model was "),
)


def test_resuming_another_run_is_refused_with_the_reason(scene: Path, output: Path) -> None:
    other_model(scene / "other.tflite", b"\0")
    other_model(scene / "labels.tflite", labels=tuple("abcdefghij"), second_look={})
    assert kill(begin(scene, output))
    kept = [(output.parent / name).read_bytes() for name in beside(output)]
    for options, reason in CHANGES:
        result = classify("scans", "-o", output, "--resume", *options, cwd=scene)
        assert result.returncode == 1, options
        assert f"cannot resume {output}: {reason}" in result.stderr.decode()
        left = [(output.parent / name).read_bytes() for name in beside(output)]
        for before, after in zip(kept, left, strict=True):  # a record that the kill has torn is cut off
            assert before.startswith(after)
            assert len(before) - len(after) < RECORD.itemsize


def other_model(path: Path, more: bytes = b"", **card: object) -> None:
    """Write the built-in model with more bytes after its network, or with another card."""
    import zipfile
    from dataclasses import replace

    from batchdigits.inference.model_file import add_card, read_model_file

    built_in = read_model_file(PRETRAINED / "digits.tflite")
    assert KERAS_WEIGHTS not in zipfile.ZipFile(built_in.path).namelist()
    path.write_bytes(built_in.payload + more)
    add_card(path, replace(built_in.card, **card))  # type: ignore[arg-type]


def test_options_that_change_no_row_may_differ(scene: Path, undisturbed: bytes, output: Path) -> None:
    assert kill(begin(scene, output))
    classify("scans", "-o", output, "--resume", "--jobs", "1", "--timeout", "50", "--batch-size", "64", cwd=scene)
    assert output.read_bytes() == undisturbed


@pytest.mark.parametrize(("number", "code"), [(signal.SIGHUP, 129), (signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_the_run_and_keeps_what_is_done(
    scene: Path, undisturbed: bytes, output: Path, number: signal.Signals, code: int
) -> None:
    process = begin(scene, output)
    process.send_signal(number)
    messages = process.communicate()[1].decode()
    assert process.returncode == code
    assert re.search(r"[\d,]+ files are done and kept; to continue, add --resume to the same command", messages)
    assert "Traceback" not in messages
    assert beside(output) == [".out.csv.journal", ".out.csv.part"]
    classify("scans", "-o", output, "--resume", cwd=scene)
    assert output.read_bytes() == undisturbed


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_a_run_whose_workers_hang(tmp_path: Path, number: signal.Signals, code: int) -> None:
    helpers.make_images(tmp_path / "scans", 40, ["hang1.png", "hang2.png"])
    process = start("scans", "--jobs", "2", "--timeout", "900", cwd=tmp_path, faulty_decoder=True)
    assert process.stdout and process.stdout.readline()
    process.send_signal(number)
    process.communicate(timeout=300)  # less than an image may take
    assert process.returncode == code


def test_a_signal_in_the_middle_of_a_fork_is_not_lost(tmp_path: Path) -> None:
    helpers.make_images(tmp_path / "scans", 3)
    (tmp_path / "terminate-at-fork").touch()  # there, Python prints exceptions of handlers and continues
    assert classify("scans", cwd=tmp_path, faulty_decoder=True).returncode == 143


def test_ctrl_c_reaches_the_whole_group_and_prints_no_traceback(scene: Path, output: Path) -> None:
    line = helpers.command("scans", "-o", output, faulty_decoder=True)
    process = subprocess.Popen(line, cwd=scene, stderr=subprocess.PIPE, env=helpers.environment(), process_group=0)
    wait_for(output.parent / ".out.csv.part", 500, process)
    os.killpg(process.pid, signal.SIGINT)
    messages = process.communicate()[1]
    assert process.returncode == 130
    assert b"Traceback" not in messages and b"KeyboardInterrupt" not in messages


def test_rows_on_stdout_are_whole_when_interrupted(scene: Path, undisturbed: bytes) -> None:
    with start("scans", "-q", cwd=scene, faulty_decoder=True) as process:
        assert process.stdout
        head = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()  # `communicate` would lose the bytes that `readline` has buffered
    assert process.returncode == 130
    assert undisturbed.startswith(head + rest)
    assert rest.endswith(b"\n") or not rest


def test_a_reader_that_leaves_ends_the_run_quietly(scene: Path) -> None:
    process = start("scans", "-q", cwd=scene)
    assert process.stdout and process.stderr
    assert process.stdout.readline() == b"path,label,confidence,status,detail,score\n"
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 0
    process.stderr.close()


@pytest.mark.parametrize("options", [["-o", "/dev/full"], []])
def test_a_full_disk_is_one_line(scene: Path, options: list[str]) -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        line = helpers.command("scans", "-q", *options)
        result = subprocess.run(
            line, cwd=scene, stdout=full, stderr=subprocess.PIPE, check=False, env=helpers.environment()
        )
    assert result.returncode == 1
    assert re.fullmatch(
        rb"batchdigits: error: cannot write (<stdout>|/dev/full): No space left on device\n", result.stderr
    )


def test_a_disk_that_fills_up_keeps_what_is_done(scene: Path, undisturbed: bytes, output: Path) -> None:
    line = helpers.command("scans", "-q", "-o", output)
    result = subprocess.run(
        line,
        cwd=scene,
        capture_output=True,
        check=False,
        env=helpers.environment(),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
    )
    assert (result.returncode, result.stdout) == (1, b"")
    assert result.stderr.decode() == f"batchdigits: error: cannot write {output}: File too large\n"
    assert beside(output) == [".out.csv.journal", ".out.csv.part"]
    classify("scans", "-o", output, "--resume", cwd=scene)
    assert output.read_bytes() == undisturbed


def test_pipes_and_devices_are_written_as_they_are(scene: Path, undisturbed: bytes, tmp_path: Path) -> None:
    assert classify("scans", "-o", "/dev/stdout", cwd=scene).stdout == undisturbed
    assert classify("scans", "-o", "-", cwd=scene).stdout == undisturbed


@pytest.mark.parametrize(
    ("limit", "stops"),
    [
        ("11", True),
        ("12", False),
        ("0", True),
        ("10%", True),
        ("11.5%", True),
        ("13%", False),
        ("0%", True),
        ("100%", False),
    ],
)
def test_too_many_failures_stop_the_run_and_rows_are_kept(tmp_path: Path, limit: str, stops: bool) -> None:
    helpers.make_images(tmp_path / "scans", 88)
    for number in range(12):
        (tmp_path / "scans" / f"broken{number}.png").touch()
    result = classify("scans", "--max-failures", limit, cwd=tmp_path)
    assert result.returncode == (1 if stops else 3)
    assert (b" images could not be read, more than --max-failures " in result.stderr) == stops
    assert len(rows(result.stdout)) >= (16 if stops else 100)
    assert classify("scans", "-o", "out.csv", "--max-failures", limit, cwd=tmp_path).returncode == (1 if stops else 3)
    assert (tmp_path / ".out.csv.part").exists() == stops
    assert (tmp_path / "out.csv").exists() != stops


def test_a_share_is_one_of_the_images_that_were_done_before_too(tmp_path: Path) -> None:
    """The errors of a finished table are all that a later run does."""
    scans, command = helpers.make_images(tmp_path / "scans", 40), ("scans", "-o", "out.csv", "--resume")
    for number in range(2):
        (scans / f"broken{number}.png").touch()
    for _ in range(2):
        assert classify(*command, "--max-failures", "5%", cwd=tmp_path).returncode == 3
    few = classify(*command, "--max-failures", "4%", cwd=tmp_path)
    assert b"2 of 42 images could not be read, more than --max-failures 4%" in few.stderr


def test_a_share_is_exact() -> None:
    at_most = MaxFailuresType().convert("18.4%", None, None)  # of 375 it is 69, and 68.99… in floating point
    at_most.check(Counter(error=69, ok=306))
    with pytest.raises(
        TooManyFailuresError, match=r"70 of 376 images could not be read, more than --max-failures 18\.4%"
    ):
        at_most.check(Counter(error=70, ok=306))


def test_a_share_of_the_first_few_images_stops_nothing(tmp_path: Path) -> None:
    helpers.make_images(tmp_path / "scans", 190)
    for number in range(10):
        (tmp_path / "scans" / f"00{number}-broken").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert classify("scans", "--max-failures", "10%", cwd=tmp_path).returncode == 3


def test_a_wrong_folder_is_stopped_early(tmp_path: Path) -> None:
    folder = tmp_path / "scans"
    folder.mkdir()
    for number in range(3_000):
        (folder / f"{number}.png").touch()
    result = classify("scans", "--max-failures", "50%", "--jobs", "1", cwd=tmp_path)
    assert result.returncode == 1
    assert 100 <= len(rows(result.stdout)) < 1_000
