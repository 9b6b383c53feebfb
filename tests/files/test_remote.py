"""URLs: which sources are found and read, which faults are reported, and that no secret in a URL is shown."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from batchdigits.errors import MissingExtraError, NoImagesError
from batchdigits.files import remote
from batchdigits.files.filter import Filter
from batchdigits.files.remote import MAX_REQUESTS, is_url, read_ahead
from batchdigits.files.required import require_paths
from batchdigits.files.sources import Tally, find
from batchdigits.text import without_secrets
from batchdigits.vision.decode import decode
from tests.conftest import SAMPLES, Run, run_process
from tests.engines import helpers
from tests.files.remote_storages import SECRET, put_folder, start_s3

pytestmark = pytest.mark.skipif(find_spec("fsspec") is None, reason="fsspec is not installed")

DIGIT = (SAMPLES / "digits" / "3" / "as-is.png").read_bytes()


@pytest.fixture
def memory() -> Iterator[Any]:
    """A storage in memory, for memory:// URLs."""
    from fsspec.implementations.memory import MemoryFileSystem

    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]
    yield MemoryFileSystem()
    MemoryFileSystem.store.clear()


def fault_of(path: str) -> str:
    (page,) = decode(path)
    return page.fault


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("s3://bucket/a.png", True),
        ("http://host/a.png", True),
        ("simplecache::s3://bucket/a.png", True),
        ("a.png", False),
        ("./s3://bucket/a.png", False),
        ("/a:b//c.png", False),
        ("C:/a.png", False),
        ("://a.png", False),
    ],
)
def test_is_url(path: str, url: bool) -> None:
    assert is_url(path) is url


def test_folders_are_walked_by_the_rules_of_local_ones(memory: Any, tmp_path: Path) -> None:
    names = ["img10.png", "img2.png", "b/1.png", "b/.DS_Store", "b/deep/1.jpg", "notes.txt", "no-suffix", "skip/1.png"]
    for name in names:
        content = b"text" if name == "notes.txt" else DIGIT
        memory.pipe_file(f"/scans/{name}", content)
        (tmp_path / "scans" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "scans" / name).write_bytes(content)
    for rules in (Filter(), Filter(exclude=["skip"]), Filter(include=["*.jpg"]), Filter(recursive=False)):
        here, there = Tally(), Tally()
        local = find([str(tmp_path / "scans")], here, rules)
        found = find(["memory://scans"], there, rules)
        assert list(found) == [path.replace(str(tmp_path / "scans"), "memory://scans") for path in local]
        assert (there.sources, there.skipped) == (here.sources, here.skipped)


def test_an_empty_folder_is_counted(memory: Any) -> None:
    memory.makedirs("/empty")
    tally = Tally()
    assert list(find(["memory://empty"], tally)) == []
    assert tally.empty_folders == ["memory://empty"]


def test_a_typed_url_is_a_source_even_if_it_does_not_exist(memory: Any) -> None:
    assert list(find(["memory://nowhere", "memory://nowhere.png"])) == ["memory://nowhere", "memory://nowhere.png"]


def test_faults_have_the_details_of_local_ones(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    memory.pipe_file("/scans/empty.png", b"")
    memory.pipe_file("/scans/text.png", b"text")
    memory.pipe_file("/scans/3.png", DIGIT)
    assert fault_of("memory://scans/none.png") == "no such file"
    assert fault_of("memory://scans/empty.png") == "empty file"
    assert fault_of("memory://scans/text.png").startswith("not an image")
    assert fault_of("memory://scans/3.png") == ""
    monkeypatch.setattr(remote, "MAX_URL_BYTES", 10)
    assert fault_of("memory://scans/3.png").startswith("too large")


def test_a_missing_package_for_a_storage_ends_the_run(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(MissingExtraError):
        list(find(["s3://bucket/x"]))
    result = run("classify", "s3://bucket/x.png")
    assert result.exit_code == 1
    assert "s3:// needs an optional package; install it with: " in result.stderr
    assert "pip install 'batchdigits[remote]'" in result.stderr


def test_a_storage_that_cannot_be_opened_costs_its_own_row(run: Run, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("tar://x.png\njupyter://\ntar://x.png::memory://none.tar\nfoo://x/a.png\n")
    result = run("classify", SAMPLES / "digits" / "3" / "as-is.png", "--files-from", tmp_path / "list.txt")
    rows = list(csv.reader(io.StringIO(result.stdout)))[1:]
    assert [row[0] for row in rows[1:]] == (tmp_path / "list.txt").read_text().split()
    assert [row[3] for row in rows] == ["ok", *["error"] * 4]
    faults = {row[0]: row[4] for row in rows[1:]}
    del faults["jupyter://"]
    assert list(faults.values()) == ["is a directory", "no such file", "cannot be read: Protocol not known: foo"]
    for url in ("tar://x.png", "foo://x/a.png"):
        typed = run("classify", url)
        assert (typed.exit_code, typed.stderr) == (1, f"batchdigits: error: {url}: {faults[url]}\n")


class SlowStorage:
    """A storage that counts the requests that are open at once. The first ones wait for so many others."""

    def __init__(self, others: int = 0) -> None:
        self.open = self.most_open = 0
        self._others = others
        self._changed = threading.Condition()

    def cat_file(self, path: str, start: int, end: int) -> bytes:
        with self._changed:
            self.open += 1
            self.most_open = max(self.most_open, self.open)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.most_open > self._others, timeout=60)
        time.sleep(0.02)
        with self._changed:
            self.open -= 1
        return DIGIT


def test_the_files_at_the_next_urls_are_fetched_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = SlowStorage(MAX_REQUESTS // 2)
    monkeypatch.setattr(remote, "storage_of", lambda url: (slow, url))
    urls = [f"s3://bucket/{number % 190}.png" for number in range(200)]  # the last ten are there twice
    assert [path for path in read_ahead(urls) if fault_of(path) == ""] == urls
    assert MAX_REQUESTS / 2 < slow.most_open <= MAX_REQUESTS
    assert not remote._requests
    assert list(read_ahead(["a.png", "b.png"])) == ["a.png", "b.png"]


def test_closing_read_ahead_leaves_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "storage_of", lambda url: (SlowStorage(), url))
    paths = read_ahead([f"s3://bucket/{number}.png" for number in range(100)])
    next(paths)
    paths.close()  # type: ignore[attr-defined]
    assert not remote._requests


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no images in https://me:word@host/a?sig=abc&x=1 or b", "no images in https://...@host/a?... or b"),
        ("s3://key:secret@bucket/a.png", "s3://...@bucket/a.png"),
        ("http://user:p@word@host/dir: no such file", "http://...@host/dir: no such file"),
        ("http://me:my word@host/a b.png?a b&sig=abc: no", "http://...@host/a b.png?... no"),
        ("x y://host/a?b=c d and z://e/f?g=h: no", "x y://host/a?... d and z://e/f?... no"),
        ("s3://bucket: ask me@home, or s3://b me@home", "s3://bucket: ask me@home, or s3://b me@home"),
        ("http:/me:word@host/a?b=c", "http:/...@host/a?..."),
        ("C:/me@home/a.png", "C:/me@home/a.png"),
        ("a@b? c://d/e", "a@b? c://d/e"),
        ("plain", "plain"),
    ],
)
def test_secrets_are_cut_out_of_urls(text: str, shown: str) -> None:
    assert without_secrets(text) == shown


@contextmanager
def http_server(folder: Path) -> Iterator[str]:
    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

        def send_head(self) -> Any:
            if "endless" in self.path:
                self.send_response(200)
                self.end_headers()
                with suppress(OSError):
                    while True:
                        self.wfile.write(bytes(1 << 16))
            if "secret" not in self.path:
                return super().send_head()
            self.send_error(403)
            return None

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_urls_in_the_lists_of_a_line_of_json_have_no_secrets(run: Run, tmp_path: Path) -> None:
    helpers.make_fields(tmp_path / "ids", ["5917", "5917", "604"])
    (tmp_path / "roster.txt").write_text("5917\n83\n")
    with http_server(tmp_path / "ids") as host:
        urls = [f"http://{host}/{name}?signature={SECRET}" for name in ("0-5917.png", "1-5917.png", "2-604.png")]
        options = ("--values", tmp_path / "roster.txt", "--log-format", "json", "-o", tmp_path / "out.csv")
        result = run("read", *urls, *options)
    assert SECRET not in result.stderr
    named = {line["event"]: line for line in map(json.loads, result.stderr.splitlines())}
    assert named["doubled"]["fields"] == [f"http://{host}/0-5917.png?...", f"http://{host}/1-5917.png?..."]
    assert named["unexpected"]["fields"] == [f"http://{host}/2-604.png?..."]


def test_a_usage_error_has_no_secrets(run: Run) -> None:
    url = f"http://me:{SECRET}@host/a.x?sig={SECRET}"
    for arguments in (["classify", "a.png", "-o", url], ["preview", "a.png", "-o", url], [url]):
        result = run(*arguments)
        assert (result.exit_code, "/...@host/a.x?..." in result.stderr, SECRET in result.stderr) == (2, True, False)


def test_a_url_is_classified_and_its_secrets_never_reach_stderr(tmp_path: Path) -> None:
    with http_server(SAMPLES) as host:
        url = f"http://me:{SECRET}@{host}/digits/3/as-is.png?signature={SECRET}"
        missing = f"http://{host}/none.png?signature={SECRET}"
        (tmp_path / "list.txt").write_text(missing)
        result = run_process("classify", url, "--files-from", tmp_path / "list.txt")
        mistyped = run_process("classify", url, missing)
        crashed = run_process("classify", f"foo://me:{SECRET}@{host}/x?signature={SECRET}", "-v")
    rows = list(csv.reader(io.StringIO(result.stdout)))[1:]
    assert rows[0][:2] == [url, "3"]  # the row is the user's own: paths as typed
    assert rows[1] == [missing, "", "", "error", "no such file", ""]
    assert "Traceback" in crashed.stderr
    assert (mistyped.returncode, mistyped.stdout) == (1, "")
    assert mistyped.stderr == f"batchdigits: error: http://{host}/none.png?... no such file or folder\n"
    assert SECRET not in result.stderr + crashed.stderr


@pytest.mark.skipif(not (find_spec("moto") and find_spec("s3fs")), reason="moto or s3fs is not installed")
def test_a_bucket_gives_the_rows_of_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scans = helpers.make_images(tmp_path / "scans", 60)
    for broken in (SAMPLES / "broken").iterdir():
        (scans / broken.name).write_bytes(broken.read_bytes())
    (scans / "deeper").mkdir()
    (scans / "deeper" / "notes.txt").write_text("no image")
    (scans / "deeper" / "no-suffix").write_bytes(DIGIT)
    with start_s3() as s3:
        put_folder(s3, scans, "in")
        put_folder(s3, scans / "deeper", "double/")
        environment = {**helpers.environment(), **s3.environment}
        (tmp_path / "list.txt").write_text("s3://nobodys/x")
        line = helpers.command("s3://scans/in", "--files-from", tmp_path / "list.txt", "-v")
        remote_run = subprocess.run(line, capture_output=True, check=False, env=environment)
        without = {name: value for name, value in environment.items() if "KEY" not in name}
        without |= {"AWS_EC2_METADATA_DISABLED": "true", "HOME": str(tmp_path)}
        line = helpers.command("s3://scans/in")
        unknown = subprocess.run(line, capture_output=True, check=False, env=without)
        for name, value in s3.environment.items():
            monkeypatch.setenv(name, value)
        for mistyped in ("s3://nobodys/x", "s3://scans/on", "s3://scans/in/no.png"):
            with pytest.raises(NoImagesError, match=f"^{mistyped}: no such file or folder$"):
                require_paths([mistyped])
        assert list(find(["s3://scans/double"])) == ["s3://scans/double//"]
        fault = "names with two slashes in a row cannot be listed: name them in a list, --files-from"
        assert fault_of("s3://scans/double//") == fault
        assert fault_of("s3://scans/double//no-suffix") == ""
    local = helpers.classify("scans", cwd=tmp_path)
    *rows, last = remote_run.stdout.replace(b"s3://scans/in", b"scans").splitlines()
    assert rows == local.stdout.splitlines()
    assert last == b"s3://nobodys/x,,,error,no such file,"
    assert b"1 other file skipped" in remote_run.stderr
    assert SECRET.encode() not in remote_run.stderr + remote_run.stdout
    assert (unknown.returncode, unknown.stdout) == (1, b"")
    assert b"error: s3://scans/in: cannot be read: Unable to locate credentials" in unknown.stderr


def test_a_typed_url_that_is_not_there_leaves_the_output_as_it_is(memory: Any, tmp_path: Path, run: Run) -> None:
    memory.pipe_file("/scans/3.png", DIGIT)
    (tmp_path / "rows.csv").write_text("mine")
    for url in ("memory://scnas", "memory://scans/4.png"):
        result = run("classify", "memory://scans/3.png", url, "-o", tmp_path / "rows.csv", "--overwrite")
        assert result.exit_code == 1
        assert result.stderr == f"batchdigits: error: {url}: no such file or folder\n"
    assert (tmp_path / "rows.csv").read_text() == "mine"
    require_paths(["memory://scans", "memory://scans/3.png"])


def test_a_server_that_sends_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "MAX_URL_BYTES", 1 << 20)
    with http_server(SAMPLES) as host:
        assert fault_of(f"http://{host}/endless.png").startswith("too large")
        assert fault_of(f"http://{host}/digits/3/as-is.png") == ""


def test_a_server_that_does_not_answer_or_refuses_is_named() -> None:
    with http_server(SAMPLES) as host, pytest.raises(NoImagesError, match=r"secret\.png: cannot be read: 403"):
        require_paths([f"http://{host}/digits/3/as-is.png", f"http://{host}/secret.png"])
    with pytest.raises(NoImagesError, match=r"http://127\.0\.0\.1:9/x\.png: cannot be read: Cannot connect"):
        require_paths(["http://127.0.0.1:9/x.png"])


def test_a_url_in_a_list_has_the_reason_of_its_server() -> None:
    with http_server(SAMPLES) as host:
        assert fault_of(f"http://{host}/secret.png").startswith("cannot be read: 403")
        assert fault_of(f"http://{host}/none.png") == "no such file"
    assert fault_of("http://127.0.0.1:9/x.png").startswith("cannot be read: Cannot connect")


@pytest.mark.parametrize("folder", ["memory://scans//", "memory://scans///"])
def test_further_slashes_behind_a_typed_url_are_none(memory: Any, folder: str) -> None:
    memory.pipe_file("/scans/3.png", DIGIT)
    assert list(find([folder])) == ["memory://scans/3.png"]
    assert remote.with_one_slash("file:////") == "file:///"  # of the root


def test_a_file_whose_first_bytes_cannot_be_read_is_a_source(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("empty", "notes", "secret", "secret.csv", "secret.JSON.gz"):
        memory.pipe_file(f"/scans/{name}", b"" if name == "empty" else b"text")
    read = memory.cat_file

    def refuse(path: str, **options: Any) -> Any:
        if path.endswith("notes"):
            return read(path, **options)
        raise PermissionError if "secret" in path else ValueError  # as servers refuse a range of an empty file

    monkeypatch.setattr(type(memory), "cat_file", staticmethod(refuse))
    assert list(find(["memory://scans"])) == ["memory://scans/secret"]
    assert fault_of("memory://scans/secret") == "permission denied"
