"""`batchdigits review`, the command: the page is tested in tests/review."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image

from batchdigits.output.review_answers import Answer, Round
from batchdigits.output.review_log import ReviewLog, log_path
from tests.conftest import Run

ROWS = "path,label,confidence,status,detail,score\na.png,7,0.9,ok,,0.9\nb.png,1,0.4,review,,0.4\n"


@pytest.fixture
def table(in_empty_folder: Path) -> Path:
    for name in ("a.png", "b.png"):
        Image.new("L", (28, 28), 255).save(name)
    path = Path("rows.csv")
    path.write_text(ROWS)
    return path


def answer(table: Path, round_: Round, path: str = "a.png", reviewer: str = "anna") -> None:
    with closing(ReviewLog(log_path(table), table.name)) as log:
        log.add(reviewer, "t", "blind", round_, [Answer(path, "label", "7", "7", "ok")])


class Server:
    """A server that runs, and the address that it printed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stderr
        self.lines = []
        for line in process.stderr:
            self.lines.append(line)
            if found := re.search(r"http://\S+", line):
                self.address = found[0]
                return
        raise AssertionError(self.lines)

    def get(self, name: str) -> Any:
        with urllib.request.urlopen(self.address + name) as reply:
            return json.load(reply)

    def post(self, name: str, **fields: Any) -> Any:
        request = urllib.request.Request(
            self.address + name, json.dumps({"tab": "t", **fields}).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request) as reply:
            return json.load(reply)


Serve = Callable[..., Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:

        def start(*arguments: str | Path) -> Server:
            command = [sys.executable, "-m", "batchdigits", "review", "--no-browser", *map(str, arguments)]
            process = stack.enter_context(
                subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            stack.callback(process.kill)
            return Server(process)

        yield start


def test_answers_are_kept_when_the_server_is_killed_and_the_same_command_goes_on(table: Path, serve: Serve) -> None:
    server = serve(table, "--reviewer", "anna")
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{22}/", server.address)
    answers = [{"row": 0, "kind": "label", "label": "1"}]
    assert server.post("answers", mode="grid", view="", answers=answers, since=1)["answered"] == 1
    server.process.kill()
    server.process.wait()
    again = serve(table)
    assert again.address.split("/")[3] != server.address.split("/")[3]
    assert again.get("state")["answered"] == 1
    again.process.send_signal(signal.SIGINT)
    out, err = again.process.communicate()
    assert (again.process.returncode, out) == (0, "")
    assert err == "batchdigits: the answers are in rows.csv.review; --apply -o FILE makes a table of them\n"
    assert table.read_text() == ROWS


def test_a_second_server_for_the_same_table_is_refused(table: Path, serve: Serve, run: Run) -> None:
    serve(table)
    result = run("review", table, "--no-browser")
    assert result.exit_code == 1
    assert "another review of this table is running" in result.stderr


def test_broken_requests_print_nothing(table: Path, serve: Serve) -> None:
    server = serve(table)
    place = urlsplit(server.address)
    post = f"POST {place.path}answers HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    for request in (b"no HTTP\r\n\r\n", f"{post}Content-Length: 99\r\n\r\n{{".encode()):
        with socket.create_connection((place.hostname, place.port)) as connection:
            connection.sendall(request)
    assert server.get("state")["answered"] == 0
    server.process.send_signal(signal.SIGINT)
    assert server.process.communicate()[1].count("\n") == 1  # where the answers are


def test_sigterm_ends_it(table: Path, serve: Serve) -> None:
    server = serve(table)
    server.process.terminate()
    assert server.process.wait() == 143


def test_second_and_mode_and_reviewer_reach_the_page(table: Path, serve: Serve) -> None:
    state = serve(table, "--mode", "single").get("state")
    assert (state["mode"], state["round"]) == ("single", "first")


@pytest.mark.parametrize("error", [KeyError, OSError])  # the first up to Python 3.12
def test_a_user_without_a_name_is_asked_for_one(
    table: Path, run: Run, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def find_none() -> str:
        raise error("getpwuid(): uid not found: 12345")

    monkeypatch.setattr("getpass.getuser", find_none)
    result = run("review", table, "--no-browser")
    assert result.exit_code == 1
    assert result.stderr.endswith("error: this user has no name on this system; give one with --reviewer\n")


def test_the_second_round_is_blind(table: Path, serve: Serve) -> None:
    answer(table, "first")
    state = serve(table, "--second", "--reviewer", "ben").get("state")
    assert (state["mode"], state["round"], state["reviewer"], state["rows"]) == ("blind", "second", "ben", 1)


@pytest.mark.parametrize("mode", ["grid", "single"])
def test_another_mode_than_blind_is_refused_in_the_second_round(table: Path, run: Run, mode: str) -> None:
    result = run("review", table, "--second", "--mode", mode, "--no-browser")
    assert result.exit_code == 2
    assert f"--second shows everything blind; leave --mode {mode} out" in result.stderr


def test_without_a_first_round_there_is_no_second(table: Path, run: Run) -> None:
    answer(table, "second")
    result = run("review", table, "--second", "--no-browser")
    assert result.exit_code == 1
    assert "rows.csv.review has no answer of a first person" in result.stderr


@pytest.mark.parametrize("name", ["anna", " Anna "])
def test_nobody_is_the_second_person_of_the_own_answers(table: Path, run: Run, name: str) -> None:
    answer(table, "first")
    result = run("review", table, "--second", "--reviewer", name, "--no-browser")
    assert result.exit_code == 1
    assert result.stderr == (
        f"batchdigits: error: {name} gave all the answers in rows.csv.review; --second is for another person, so give "
        "that name with --reviewer\n"
    )


def test_two_persons_may_each_key_what_the_other_keyed_first(table: Path, serve: Serve) -> None:
    answer(table, "first")
    answer(table, "first", "b.png", "ben")
    server = serve(table, "--second", "--reviewer", "ben")
    assert server.lines[0] == "batchdigits: ben answered 1 row first, which --second leaves out\n"
    assert [card["path"] for card in server.get("cards")["cards"]] == ["a.png"]


def test_labels_that_no_row_has_can_be_given(table: Path, serve: Serve, run: Run) -> None:
    server = serve(table, "--label", "tick", "--label", "=1")
    assert server.get("state")["classes"] == [*"0123456789", "=1", "tick"]
    server.post("answers", mode="grid", view="", answers=[{"row": 0, "kind": "label", "label": "tick"}], since=1)
    Path("sample.csv").write_text("path,truth\na.png,tick\n")
    for more in ([], ["--sample", "sample.csv", "--label", "tick"]):
        assert run("review", table, "--apply", "-o", "final.csv", "--overwrite", *more).exit_code == 0
        assert "a.png,tick,0.9,reviewed,," in Path("final.csv").read_text()


@pytest.mark.parametrize("text", ["", "two\nlines", "\x1b[31m", "a" * 65])
@pytest.mark.parametrize("option", ["--label", "--reviewer"])
def test_a_label_or_a_name_that_is_no_line_is_refused(table: Path, run: Run, option: str, text: str) -> None:
    result = run("review", table, option, text, "--no-browser")
    assert (result.exit_code, "is no line of text" in result.stderr) == (2, True)
    assert not Path("rows.csv.review").exists()


def test_answers_for_images_of_another_table_are_named(table: Path, serve: Serve) -> None:
    answer(table, "first")
    answer(table, "second", "elsewhere.png")
    words = "1 answer for images that are not in the table: elsewhere.png\n"
    assert serve(table).lines[0] == f"batchdigits: rows.csv.review has {words}"


def test_a_table_of_numbers_begins_one_by_one_unless_it_is_said_otherwise(table: Path, serve: Serve) -> None:
    table.write_text(ROWS.replace("label", "value").replace(",7,", ",1946,"))
    server = serve(table)
    state = server.get("state")
    assert (state["mode"], state["are_numbers"], state["classes"], state["groups"]) == ("single", True, [], [])
    assert [card["label"] for card in server.get("cards?order=score")["cards"]] == ["1", "1946"]  # for review first
    server.post("answers", mode="single", view="", answers=[{"row": 0, "kind": "label", "label": "1948"}], since=1)
    server.process.kill()
    server.process.wait()
    header, action = map(json.loads, Path("rows.csv.review").read_text().splitlines())
    assert header == {"review_of": "rows.csv", "numbers": True}
    assert (action["answers"][0]["label"], len(action["answers"][0]["digest"])) == ("1948", 16)
    for mode in ("grid", "blind"):
        server = serve(table, "--mode", mode)
        assert server.get("state")["mode"] == mode
        server.process.kill()
        server.process.wait()


def test_a_sample_of_numbers_is_keyed_blind_and_audited(table: Path, serve: Serve, run: Run) -> None:
    rows = [f"{number}.png,{number:03},0.9,ok,,0.9" for number in range(40)]
    table.write_text("\n".join(["path,value,confidence,status,detail,score", *rows, ""]))
    assert run("audit", table, "--sample", "10", "-o", "sample.csv").exit_code == 0
    server = serve(table, "--mode", "blind", "--sample", "sample.csv", "--reviewer", "anna")
    cards = server.get("cards")["cards"]
    assert (len(cards), any("label" in card for card in cards)) == (10, False)
    answers = [{"row": card["row"], "kind": "label", "label": card["path"][:-4].zfill(3)} for card in cards]
    server.post("answers", mode="blind", view="", answers=answers, since=1)
    server.process.kill()
    server.process.wait()
    result = run("audit", table, "--keyed", "sample.csv")
    assert "10 of 40 ok rows keyed, 0 wrong" in result.stdout, result.output


def test_a_sample_shows_its_rows_only(table: Path, serve: Serve) -> None:
    Path("sample.csv").write_text("path,truth\nb.png,\n")
    server = serve(table, "--mode", "blind", "--sample", "sample.csv")
    assert [card["path"] for card in server.get("cards")["cards"]] == ["b.png"]


def test_a_sample_of_another_table_is_refused(table: Path, run: Run) -> None:
    Path("sample.csv").write_text("path,truth\nb.png,\nother.png,\n")
    result = run("review", table, "--sample", "sample.csv", "--no-browser")
    assert result.exit_code == 1
    assert "it has 1 row that this one has not, such as other.png" in result.stderr


def test_images_elsewhere_are_found_with_scans(table: Path, serve: Serve) -> None:
    Path("elsewhere").mkdir()
    Path("a.png").rename("elsewhere/a.png")
    Path("b.png").unlink()
    server = serve(table)
    assert f"no image of the first rows is in {Path.cwd()}; give --scans DIR" in server.lines[0]
    server.process.kill()
    server.process.wait()
    server = serve(table, "--scans", "elsewhere")
    assert len(server.lines) == 1
    with urllib.request.urlopen(f"{server.address}scan/0") as reply:
        assert reply.read(4) == b"\x89PNG"


def test_images_behind_a_link_name_where_they_are(
    table: Path, serve: Serve, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("share")
    for name in ("a.png", "b.png"):
        Path(name).rename(other / name)
        Path(name).symlink_to(other / name)
    says = serve(table).lines[0]
    assert re.search(
        rf"([ab].png) is {re.escape(str(other))}/\1, outside of {Path.cwd()}: no such image is shown", says
    )
    assert "give --scans a folder that it is in" in says


def test_a_table_in_another_encoding_finds_no_images_and_says_why(table: Path, serve: Serve) -> None:
    table.write_bytes(table.read_bytes().replace(b"a.png", b"gr\xfcn.png").replace(b"b.png", b"bl\xe4u.png"))
    assert (
        serve(table)
        .lines[0]
        .rstrip()
        .endswith(f"; if {table} is not in UTF-8, save it as UTF-8, which Excel calls CSV UTF-8; else give --scans DIR")
    )


def test_one_file_name_that_is_not_utf8_does_not_hide_that_the_folder_was_moved(table: Path, serve: Serve) -> None:
    Path("a.png").unlink()
    table.write_bytes(table.read_bytes().replace(b"b.png", b"bl\xe4u.png"))
    says = f"; give --scans DIR; if {table} is not in UTF-8, save it as UTF-8, which Excel calls CSV UTF-8"
    assert serve(table).lines[0].rstrip().endswith(says)


@pytest.mark.parametrize(
    ("content", "says"), [("", "it is not CSV"), ("path,label,confidence,status,detail,score\n", "has no rows")]
)
def test_a_table_without_rows_is_one_line(table: Path, run: Run, content: str, says: str) -> None:
    table.write_text(content)
    result = run("review", table, "--no-browser")
    assert result.exit_code == 1
    assert says in result.stderr
    assert result.stderr.count("\n") == 1
    assert not Path("rows.csv.review").exists()


def test_a_port_that_is_taken_is_one_line(table: Path, serve: Serve, run: Run) -> None:
    port = serve(table).address.split(":")[2].split("/")[0]
    Path("other.csv").write_text(ROWS)
    result = run("review", "other.csv", "--port", port, "--no-browser")
    assert result.exit_code == 1
    assert f"cannot listen on port {port}: Address already in use" in result.stderr


def test_without_its_packages_it_names_the_extra(table: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "starlette", None)
    result = run("review", table)
    assert result.exit_code == 1
    assert "pip install 'batchdigits[review]'" in result.stderr


def test_the_browser_is_opened_unless_it_is_not_wanted(table: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("click.launch", opened.append)
    monkeypatch.setattr("uvicorn.Server.run", lambda server, sockets: None)
    assert run("review", table, "--no-browser").exit_code == 0
    assert opened == []
    assert run("review", table).exit_code == 0
    assert len(opened) == 1


def test_a_quiet_server_without_a_browser_prints_its_address(
    table: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uvicorn.Server.run", lambda server, sockets: None)
    result = run("review", table, "--no-browser", "-q")
    assert (result.exit_code, result.stderr) == (0, "")
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\S+/\n", result.stdout)


def test_a_workbook_says_what_to_do(table: Path, run: Run) -> None:
    Path("rows.xlsx").write_bytes(b"PK")
    result = run("review", "rows.xlsx")
    assert result.exit_code == 1
    assert (
        "it is a workbook; give its sheet rows, saved as a .csv in UTF-8, which Excel calls CSV UTF-8\n"
        in result.stderr
    )
