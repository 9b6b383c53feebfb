"""Zip and tar archives are read like folders; hostile and damaged ones cost one row each, and no memory."""

from __future__ import annotations

import gzip
import io
import os
import random
import struct
import sys
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchdigits.errors import NoImagesError
from batchdigits.files.archives import archive, archive_fault, open, tar_archive, zip_archive
from batchdigits.files.content import file_status, read_content
from batchdigits.files.filter import Filter
from batchdigits.files.required import require_paths
from batchdigits.files.source_error import SourceError
from batchdigits.files.sources import Tally, estimate, find
from batchdigits.vision.decode import decode
from tests.conftest import Run
from tests.engines.helpers import classify, make_images, rows

ENDS = (".zip", ".tar", ".tar.gz", ".TGZ", ".tar.zst")
TARS = ENDS[1:4]
NO_ZST = "a .tar.zst archive needs an optional package: pip install zstandard"
PNG = cv2.imencode(".png", np.eye(9, dtype=np.uint8) * 255)[1].tobytes()


def make(path: Path, members: Sequence[tuple[str, bytes]]) -> Path:
    """Make an archive of any kind."""
    if path.suffix.lower() == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for name, data in members:
                file.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
        return path
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    path.write_bytes(packed(path, buffer.getvalue()))
    return path


def packed(path: Path, data: bytes) -> bytes:
    if path.suffix.lower() in (".gz", ".tgz"):
        return gzip.compress(data)
    if path.suffix == ".zst":
        if find_spec("zstandard") is None and find_spec("pyarrow") is None:
            pytest.skip("nothing that unpacks .zst is installed")
        if find_spec("pyarrow"):
            import pyarrow

            return bytes(pyarrow.compress(data, "zstd", asbytes=True))
        import zstandard

        return bytes(zstandard.compress(data))
    return data


def names(path: Path, tally: Tally | None = None, rules: Filter | None = None) -> list[str]:
    """The names of an archive's sources; empty for the archive itself."""
    return [source[len(str(path)) + 1 :] for source in find([str(path)], tally, rules)]


def fault_of(source: str) -> str:
    (page,) = decode(source)
    return page.fault


@pytest.mark.parametrize("end", ENDS)
def test_members_are_sources_and_are_read_in_any_order(tmp_path: Path, end: str) -> None:
    members = [(f"{n // 20}/{n}", PNG[:8] + f"{n} ".encode() * n * 50) for n in random.Random(1).sample(range(60), 60)]
    path = make(tmp_path / f"scans{end}", members)
    sources = list(find([str(path)]))
    expected = dict(members)
    assert {source: read_content(source).data for source in sources[::-1]} == {
        f"{path}/{name}": data for name, data in expected.items()
    }
    for source in random.Random(2).sample(sources, 60):
        assert read_content(source, file_status(source)).data == expected[source[len(str(path)) + 1 :]]
    assert archive_fault(str(path)) == ""


@pytest.mark.parametrize("end", ENDS)
def test_an_archive_keeps_the_rules_of_a_folder(tmp_path: Path, end: str) -> None:
    members = ["10.png", "9.png", "a/2.png", "a/b/1.png", "__MACOSX/9.png", "._9.png", "notes.txt", "x", "in.zip"]
    contents = {"notes.txt": b"text", "in.zip": make(tmp_path / "in.zip", [("1.png", PNG)]).read_bytes()}
    path = make(tmp_path / f"scans{end}", [(name, contents.get(name, PNG)) for name in members])
    tally = Tally()
    found = names(path, tally)
    in_order = ["9.png", "10.png", "a/2.png", "a/b/1.png", "x"]
    assert (found if end in (".zip", ".tar") else sorted(found, key=in_order.index)) == in_order
    assert tally == Tally(sources=5, skipped=4, skipped_archives=1)
    assert set(names(path, rules=Filter(exclude=["b", "x"]))) == {"9.png", "10.png", "a/2.png"}
    assert set(names(path, rules=Filter(include=["a/*"]))) == {"a/2.png", "a/b/1.png"}
    assert set(names(path, rules=Filter(recursive=False))) == {"9.png", "10.png", "x"}


@pytest.mark.parametrize("end", ENDS)
def test_a_folder_in_an_archive_is_like_a_folder(tmp_path: Path, end: str) -> None:
    members = ["a/2.png", "a/10.png", "a/b/1.png", "a/b/notes.txt", "a.b/3.png", "ab/4.png", "a/b c.d/5.png", "x"]
    path = make(tmp_path / f"scans{end}", [(name, PNG if name[-1] != "t" else b"text") for name in members])
    tally = Tally()

    def below(folder: str, tally: Tally | None = None, **rules: Any) -> set[str]:
        return {name[len(str(path)) + 1 :] for name in find([f"{path}/{folder}"], tally, Filter(**rules))}

    assert below("a", tally) == below("a//") == {"a/2.png", "a/10.png", "a/b/1.png", "a/b c.d/5.png"}
    assert tally == Tally(sources=4, skipped=1)
    assert below("a/b c.d") == {"a/b c.d/5.png"}
    assert below("a", exclude=["a"], recursive=False) == {"a/2.png", "a/10.png"}
    assert below("a", include=["b/*"]) == {"a/b/1.png"}
    assert below("") == set(members) - {"a/b/notes.txt"}
    assert below("x") == {"x"}
    assert estimate([f"{path}/a"]) is None
    require_paths([f"{path}/a", f"{path}/a/b/", f"{path}/x"])
    for missing in ("b", "a/2", "2.png"):
        with pytest.raises(NoImagesError, match="no such file in the archive"):
            require_paths([f"{path}/{missing}"])
        assert below(missing) == {missing}


def test_a_folder_in_a_damaged_archive_gives_what_it_has_and_an_error(tmp_path: Path) -> None:
    members = [(f"a/{name}.png", random.Random(name).randbytes(5000)) for name in range(9)]
    path = make(tmp_path / "scans.tar", members)
    path.write_bytes(path.read_bytes()[:20_000])
    found = list(find([f"{path}/a"]))
    assert found[-1] == str(path) and f"{path}/a/0.png" in found
    assert fault_of(str(path)) == "truncated or corrupt archive"
    path.write_bytes(b"no archive")
    assert list(find([f"{path}/a"])) == [f"{path}/a"]
    assert "corrupt" in fault_of(f"{path}/a")


NAMES = st.lists(
    st.lists(st.sampled_from(["1", "2", "02", "10", "a", "a-", "B", ".b", "1.png", "9.png", "10.PNG"]), min_size=1)
    .map(lambda parts: "/".join(parts[:3]))
    .filter(lambda name: not name.endswith(".zip")),
    unique=True,
    max_size=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(NAMES)
def test_an_archive_has_the_sources_of_the_folder_in_its_order(
    tmp_path_factory: pytest.TempPathFactory, members: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("x")
    members = [name for name in members if not any(other.startswith(f"{name}/") for other in members)]
    for name in members:
        (folder / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "in" / name).write_bytes(PNG)
    (folder / "in").mkdir(exist_ok=True)
    # A walk reports a folder with an image's suffix as a source; an archive has no folders to report.
    walked = [path for path in find([str(folder / "in")]) if not Path(path).is_dir()]
    expected = [path.removeprefix(f"{folder}/in/") for path in walked]
    for end in (".zip", ".tar"):
        assert names(make(folder / f"in{end}", [(name, PNG) for name in members])) == expected


def test_archives_in_a_folder_are_read_but_arrays_are_skipped(tmp_path: Path) -> None:
    make(tmp_path / "b.zip", [("1.png", PNG)])
    make(tmp_path / "._c.zip", [("1.png", PNG)])
    make(tmp_path / "empty.tar", [])
    (tmp_path / "d.zip").mkdir()
    (tmp_path / "d.zip" / "2.png").write_bytes(PNG)
    (tmp_path / "office.docx").write_bytes((tmp_path / "b.zip").read_bytes())
    np.save(tmp_path / "images.npy", np.zeros((2, 9, 9), np.uint8))
    tally = Tally()
    assert names(tmp_path, tally) == ["b.zip/1.png", "d.zip/2.png"]
    assert tally == Tally(sources=2, skipped=4)
    assert names(tmp_path, rules=Filter(include=["b.zip/*"])) == ["b.zip/1.png"]
    assert names(tmp_path, rules=Filter(exclude=["b.zip"])) == ["d.zip/2.png"]
    assert names(tmp_path, rules=Filter(recursive=False)) == []
    tally = Tally()
    assert names(tmp_path / "empty.tar", tally) == []
    assert tally.empty_folders == [str(tmp_path / "empty.tar")]


def test_an_archive_in_an_archive_is_skipped_and_counted(tmp_path: Path, run: Run) -> None:
    inner = make(tmp_path / "inner.zip", [("a.png", PNG)]).read_bytes()
    outer = make(tmp_path / "outer.zip", [("a.png", PNG), ("in/inner.zip", inner), ("b.tgz", b""), ("c.txt", b"")])
    (tmp_path / "inner.zip").unlink()
    assert names(outer, tally := Tally()) == ["a.png"]
    assert (tally.skipped, tally.skipped_archives) == (3, 2)
    assert names(outer, tally := Tally(), Filter(exclude=["*.zip"])) == ["a.png"]
    assert tally.skipped_archives == 1
    assert "batchdigits: 2 archives inside archives skipped: unpack them first\n" in run("classify", tmp_path).stderr
    only = make(tmp_path / "only.zip", [("inner.zip", inner)])
    assert "no images in " in (stderr := run("classify", only).stderr)
    assert "; 1 archive inside archives skipped: unpack them first\n" in stderr


@pytest.mark.parametrize("end", ENDS[:3])
def test_names_are_only_names(tmp_path: Path, end: str) -> None:
    hostile = [
        "../x.png",
        "/etc/x.png",
        "a//b.png",
        "a/./c.png",
        "line\nbreak.png",
        "\x1b[31m.png",
        "é.png",
        "C:\\x.png",
    ]
    hostile += ["d" * 300 + ".png", "/".join("e" * 2500) + ".png"]
    path = make(tmp_path / f"scans{end}", [(name, PNG) for name in hostile])
    assert sorted(names(path)) == sorted(hostile)
    assert all(read_content(source, file_status(source)).data == PNG for source in find([str(path)]))
    assert sorted(item.name for item in tmp_path.iterdir()) == [path.name]


def test_a_tar_of_the_current_folder_has_plain_names(tmp_path: Path) -> None:
    assert names(make(tmp_path / "a.tar", [("./7/a.png", PNG)])) == ["7/a.png"]


@pytest.mark.parametrize("end", ENDS[:3])
def test_of_members_with_one_name_the_last_counts_in_a_zip_and_the_first_in_a_tar(tmp_path: Path, end: str) -> None:
    with pytest.warns(UserWarning) if end == ".zip" else pytest.MonkeyPatch.context():
        path = make(tmp_path / f"a{end}", [("a.png", PNG), ("b.png", PNG), ("a.png", PNG + b"more")])
    assert names(path) == ["a.png", "b.png"]
    for _ in range(2):
        assert read_content(f"{path}/a.png").data == (PNG + b"more" if end == ".zip" else PNG)
        assert read_content(f"{path}/b.png").data == PNG


def test_links_in_a_tar_are_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as tar:
        for name, kind in (("s.png", tarfile.SYMTYPE), ("h.png", tarfile.LNKTYPE), ("f.png", tarfile.FIFOTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
    assert [fault_of(source) for source in find([str(path)])] == [
        "not a regular file; a link in an archive is not followed"
    ] * 3


@pytest.mark.parametrize("end", ENDS)
def test_a_missing_member_and_an_empty_one_are_faults(tmp_path: Path, end: str) -> None:
    path = make(tmp_path / f"a{end}", [("empty.png", b""), ("a.png", PNG)])
    assert fault_of(f"{path}/b.png") == "no such file in the archive"
    assert fault_of(f"{path}/empty.png") == "empty file"
    assert fault_of(f"{path}/a.png") == ""
    assert fault_of(str(tmp_path / "none.zip" / "a.png")) == "no such file"


# Damaged and hostile archives


def flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("share", [0.0, 0.4, 0.9])
def test_a_truncated_archive_gives_what_it_has_and_an_error(tmp_path: Path, end: str, share: float) -> None:
    contents = {f"{n}.png": PNG + np.random.default_rng(n).bytes(3000) for n in range(9)}
    path = make(tmp_path / f"a{end}", list(contents.items()))
    data = path.read_bytes()
    path.write_bytes(data[: int((len(data) - 8000) * share) + 100])
    *members, last = find([str(path)])
    assert last == str(path)
    assert fault_of(last) == "truncated or corrupt archive"
    assert (len(members) > 2) == (share > 0 and end not in (".zip", ".tar.zst"))  # a block of zstd is whole or lost
    assert all(read_content(source).data == contents[Path(source).name] for source in members[:-1])


@pytest.mark.parametrize("end", (*TARS, ".tar.zst"))
def test_a_tar_cut_between_two_members_is_no_whole_one(tmp_path: Path, end: str) -> None:
    whole = make(tmp_path / "whole.tar", [(f"{n}.png", PNG) for n in range(9)]).read_bytes()
    path = tmp_path / f"a{end}"
    path.write_bytes(packed(path, whole[: 4 * 1024]))
    *members, last = find([str(path)])
    assert [Path(source).name for source in members] == [f"{n}.png" for n in range(4)]
    assert (last, fault_of(last)) == (str(path), "truncated or corrupt archive")


@pytest.mark.parametrize("without", ["zstandard", "pyarrow"])
def test_a_zst_cut_between_two_blocks_is_no_whole_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without: str
) -> None:
    members = [(f"{n}.png", PNG + random.Random(n).randbytes(3000)) for n in range(99)]  # 32 members are a block
    path = make(tmp_path / "a.tar.zst", members)
    path.write_bytes(path.read_bytes()[:200_000])
    monkeypatch.setitem(sys.modules, without, None)
    found = list(find([str(path)]))
    assert found[-1] == str(path)
    assert fault_of(str(path)) in ("truncated or corrupt archive", NO_ZST)


@pytest.mark.parametrize("end", TARS)
def test_a_corrupt_header_in_the_middle_is_no_silent_end(tmp_path: Path, end: str) -> None:
    plain = make(tmp_path / "plain.tar", [(f"{n}.png", PNG) for n in range(9)]).read_bytes()
    path = tmp_path / f"a{end}"
    path.write_bytes(packed(path, flip(plain, 4 * 1024 + 3)))
    *members, last = find([str(path)])
    assert [Path(source).name for source in members] == [f"{n}.png" for n in range(4)]
    assert (last, fault_of(last)) == (str(path), "truncated or corrupt archive")


def test_each_member_behind_a_corrupt_header_has_the_same_fault(tmp_path: Path) -> None:
    path = make(tmp_path / "a.tar", [(f"{n}.png", PNG) for n in range(9)])
    path.write_bytes(flip(path.read_bytes(), 4 * 1024 + 3))
    assert [fault_of(f"{path}/{n}.png") for n in (7, 8, 7)] == ["truncated or corrupt archive"] * 3
    assert read_content(f"{path}/3.png").data == PNG


@pytest.mark.parametrize("name", ["Scans.Zip", "Scans.Tar", "scans.tar.Gz"])
def test_the_case_of_a_suffix_does_not_matter(tmp_path: Path, name: str) -> None:
    (tmp_path / "scans").mkdir()
    make(tmp_path / "scans" / name, [("3.png", PNG)])
    for place in (tmp_path / "scans" / name, tmp_path / "scans"):
        assert list(find([str(place)])) == [str(tmp_path / "scans" / name / "3.png")]


def test_a_corrupt_member_costs_its_own_row(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).bytes(500)
    path = make(tmp_path / "a.zip", [("1.png", noise), ("2.png", PNG)])
    path.write_bytes(flip(path.read_bytes(), 200))
    assert [fault_of(source) for source in find([str(path)])] == ["truncated or corrupt member of an archive", ""]


def zip_with(path: Path, data: bytes, edit: Callable[[bytearray, int], None]) -> Path:
    """A zip of one member, whose entry in the list of members was edited."""
    content = bytearray(make(path, [("1.png", data)]).read_bytes())
    edit(content, content.rindex(b"PK\x01\x02"))
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("at", "value", "fault"),
    [
        (8, 1, "encrypted in its archive"),
        (10, 12, "packed by another method than deflate in its archive"),
        (10, 99, "packed by another method than deflate in its archive"),
    ],
)
def test_a_member_that_cannot_be_unpacked_says_why(tmp_path: Path, at: int, value: int, fault: str) -> None:
    path = zip_with(tmp_path / "a.zip", PNG, lambda data, start: struct.pack_into("<H", data, start + at, value))
    (source,) = find([str(path)])
    assert fault_of(source) == fault


def test_a_member_that_unpacks_to_more_than_it_says_is_not_unpacked_further(tmp_path: Path) -> None:
    path = zip_with(
        tmp_path / "a.zip", bytes(1 << 25), lambda data, start: struct.pack_into("<I", data, start + 24, 1000)
    )
    tracemalloc.start()
    try:
        assert fault_of(f"{path}/1.png") == "truncated or corrupt member of an archive"
        assert tracemalloc.get_traced_memory()[1] < 1 << 22
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("end", [".zip", ".tar.gz", ".tar.zst"])
def test_a_bomb_is_refused(tmp_path: Path, end: str) -> None:
    path = make(tmp_path / f"a{end}", [("1.png", PNG), ("2.bmp", bytes(1 << 25)), ("3.png", PNG)])
    sources = list(find([str(path)]))
    faults = [fault_of(source) for source in sources]
    assert "too large: unpacks to over 200 times its size" in faults
    assert faults[0] == ""


def test_a_page_in_one_colour_is_no_bomb(tmp_path: Path) -> None:
    path = make(tmp_path / "a.zip", [("1.png", bytes(1 << 23))])
    assert len(read_content(f"{path}/1.png").data) == 1 << 23


@pytest.mark.parametrize("end", ENDS[:3])
def test_limits_of_size_and_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    path = make(tmp_path / f"a{end}", [(f"{n}.png", PNG + bytes(n * 1000)) for n in range(5)])
    monkeypatch.setattr(archive, "MAX_MEMBER_BYTES", 2500)
    assert [fault_of(source)[:9] for source in find([str(path)])] == ["", "", "", "too large", "too large"]
    monkeypatch.setattr(archive, "MAX_MEMBERS", 3)
    del open._of_thread.kept
    *_, last = find([str(path)])
    assert (last, fault_of(last)) == (str(path), "too large: more than 3 members")


def test_what_a_parser_reads_at_once_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    members = [(f"{'n' * 2000}{number}.png", PNG) for number in range(3)]
    monkeypatch.setattr(zip_archive, "MAX_DIRECTORY_BYTES", 5000)
    monkeypatch.setattr(tar_archive, "MAX_HEADER_BYTES", 2000)
    for end in ENDS[:3]:
        path = make(tmp_path / f"a{end}", members)
        assert list(find([str(path)])) == [str(path)]
        assert fault_of(str(path)) == "too large: its list of members, or a name in it"


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("name", ["n" * 16_384, "é" * 8_192])
def test_a_name_that_no_file_could_have_is_refused(tmp_path: Path, end: str, name: str) -> None:
    longest, longer = make(tmp_path / f"a{end}", [(name, PNG)]), make(tmp_path / f"b{end}", [(f"{name}n", PNG)])
    assert list(find([str(longest), str(longer)])) == [f"{longest}/{name}", str(longer)]
    assert fault_of(str(longer)) == "too large: a member's name of more than 16,384 bytes"


@pytest.mark.parametrize("end", TARS)
@pytest.mark.parametrize("size", [-512, -(1 << 40), 1 << 62])
def test_a_size_that_leads_back_or_far_away_ends(tmp_path: Path, end: str, size: int) -> None:
    header = bytearray(tarfile.TarInfo("1.png").tobuf(tarfile.GNU_FORMAT))
    header[124:136] = (bytes([0xFF if size < 0 else 0x80]) + (size % (1 << 88)).to_bytes(11, "big"))[:12]
    header[148:156] = b"        "
    header[148:156] = b"%06o\0 " % sum(header)
    path = tmp_path / f"a{end}"
    path.write_bytes(packed(path, bytes(header) * 3))
    assert str(path) in list(find([str(path)]))
    assert fault_of(str(path)) in ("truncated or corrupt archive", "too large: unpacks to over 200 times its size")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(end=st.sampled_from((*TARS, ".zip")), at=st.floats(0, 0.999), bits=st.integers(1, 255))
def test_any_damage_gives_rows_and_no_exception(
    tmp_path_factory: pytest.TempPathFactory, end: str, at: float, bits: int
) -> None:
    path = make(tmp_path_factory.mktemp("x") / f"a{end}", [(f"{n}.png", PNG) for n in range(3)])
    data = bytearray(path.read_bytes())
    data[int(at * len(data))] ^= bits
    path.write_bytes(data)
    for source in find([str(path)]):
        for page in decode(source):
            assert page.scan is not None or page.fault


def test_zst_without_a_package_says_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make(tmp_path / "a.tar.zst", [("1.png", PNG)])
    for module in ("zstandard", "pyarrow"):
        monkeypatch.setitem(sys.modules, module, None)
    assert list(find([str(path)])) == [str(path)]
    assert fault_of(str(path)) == NO_ZST


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.npz", "a.npy", "a.idx3-ubyte"])
def test_an_image_under_an_archives_name_is_an_image(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(PNG)
    assert [fault_of(source) for source in find([str(tmp_path / name)])] == [""]


def test_a_fifo_under_an_archives_name_is_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.zip")
    assert list(find([str(tmp_path / "a.zip")])) == [str(tmp_path / "a.zip")]
    assert fault_of(str(tmp_path / "a.zip")) == "not a regular file"


def test_an_archive_that_was_replaced_is_opened_anew(tmp_path: Path) -> None:
    path = make(tmp_path / "a.zip", [("1.png", PNG)])
    assert read_content(f"{path}/1.png").data == PNG
    make(path, [("1.png", PNG + b"x")])
    assert read_content(f"{path}/1.png").data == PNG + b"x"


def test_threads_and_forked_processes_do_not_share_a_position(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = {f"{n}.png": PNG + bytes([n]) * 9000 for n in range(20)}
    path = make(tmp_path / "a.tar", list(contents.items()))
    good: list[bool] = []

    def read() -> None:
        good.extend(read_content(f"{path}/{name}").data == data for name, data in contents.items())

    threads = [Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert good == [True] * 80
    read_content(f"{path}/1.png")
    before = open._of_thread.kept.archive
    monkeypatch.setattr(os, "getpid", lambda: -1)
    read_content(f"{path}/1.png")
    assert open._of_thread.kept.archive is not before


def test_a_reader_that_does_not_open_is_one_fault(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"no archive")
    with pytest.raises(SourceError, match="truncated or corrupt archive"):
        read_content(str(tmp_path / "a.zip" / "1.png"))


# Through the command


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scene")
    scans = make_images(folder / "scans", 60)
    (scans / "7.png").write_bytes(b"")
    members = [(path.name, path.read_bytes()) for path in scans.iterdir()]
    for end in ENDS:
        make(folder / f"scans{end}", members)
    return folder


@pytest.fixture(scope="module")
def rows_of_folder(scene: Path) -> list[bytes]:
    result = classify("scans", cwd=scene)
    assert result.returncode == 3
    return sorted(result.stdout.splitlines())


@pytest.mark.parametrize("end", ENDS)
def test_rows_are_those_of_the_folder(scene: Path, rows_of_folder: list[bytes], end: str) -> None:
    result = classify(f"scans{end}", "--jobs", "3", cwd=scene)
    assert result.returncode == 3
    assert sorted(result.stdout.replace(f"scans{end}/".encode(), b"scans/").splitlines()) == rows_of_folder
    if end == ".tar.gz":
        assert result.stdout == classify(f"scans{end}", "--jobs", "1", cwd=scene).stdout


def test_a_folder_in_an_archive_is_classified(scene: Path, tmp_path: Path) -> None:
    image = (scene / "scans" / "1.png").read_bytes()
    make(tmp_path / "a.zip", [("7/a.png", image), ("7/b.png", image), ("8/c.png", image)])
    result = classify("a.zip/7", cwd=tmp_path)
    assert result.returncode == 0
    assert [row[0] for row in rows(result.stdout)] == ["a.zip/7/a.png", "a.zip/7/b.png"]
    assert b"a.zip/9: no such file in the archive\n" in classify("a.zip/9", cwd=tmp_path).stderr


def test_resume_knows_members_by_name_and_archive(scene: Path, tmp_path: Path) -> None:
    members = [(path.name, path.read_bytes()) for path in sorted((scene / "scans").iterdir())[:5]]
    make(tmp_path / "a.zip", members[:4])
    make(tmp_path / "b.tar", members[:3])
    command = ("a.zip", "b.tar", "-o", "out.csv")
    assert classify(*command, cwd=tmp_path).returncode == 0
    again = classify(*command, "--resume", cwd=tmp_path)
    assert b"0 files added, 0 classified again, 7 kept" in again.stderr
    make(tmp_path / "a.zip", members)
    again = classify(*command, "--resume", cwd=tmp_path)
    assert b"1 file added, 0 classified again, 7 kept" in again.stderr
    make(tmp_path / "a.zip", [(members[0][0], members[1][1]), *members[1:]])
    again = classify(*command, "--resume", cwd=tmp_path)
    assert b"0 files added, 1 classified again, 7 kept" in again.stderr
    make(tmp_path / "b.tar", [*members[:3], ("none.txt", b"")])
    again = classify(*command, "--resume", cwd=tmp_path)
    assert b"0 files added, 3 classified again, 5 kept" in again.stderr
    assert len(rows((tmp_path / "out.csv").read_bytes())) == 8


@pytest.mark.parametrize("end", [".zip", ".tar"])
def test_a_member_may_be_typed_and_must_be_there(scene: Path, end: str) -> None:
    typed, missing = f"scans{end}/9.png", f"scans{end}/none.png"
    assert [row[0] for row in rows(classify(typed, cwd=scene).stdout)] == [typed]
    mistyped = classify(typed, missing, "-o", "kept.csv", "--overwrite", cwd=scene)
    assert mistyped.returncode == 1
    assert mistyped.stderr == f"batchdigits: error: {missing}: no such file in the archive\n".encode()
    (scene / "list").write_text(missing)
    (row,) = rows(classify("--files-from", "list", cwd=scene).stdout)
    assert row[3:5] == ["error", "no such file in the archive"]


def test_a_typed_member_that_cannot_be_read_is_a_row(tmp_path: Path) -> None:
    make(tmp_path / "a.zip", [("empty.png", b"")])
    (tmp_path / "b.zip").write_bytes(b"no archive")
    table = rows(classify("a.zip/empty.png", "b.zip/1.png", cwd=tmp_path).stdout)
    assert [row[4] for row in table] == ["empty file", "truncated or corrupt archive"]
