from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from batchdigits.inference.decide import Prediction, Status
from batchdigits.output.columns import Columns
from batchdigits.output.formats import output_format
from batchdigits.output.review_answers import Answer, Mode
from batchdigits.output.review_log import ReviewLog, log_path
from tests.conftest import Run

LABELS = tuple("0123456789")
ROWS = 60
NAME = '=1+1 <script>alert("x")</script>.png'  # of row 0


def prediction(number: int) -> Prediction:
    path = NAME if number == 0 else f"scans/{number}.png"
    score = 1 - number / 1000
    probabilities = {label: score if label == str(number % 10) else (1 - score) / 9 for label in LABELS}
    return Prediction(path, str(number % 10), score, Status.OK, "", probabilities, score)


PREDICTIONS = [
    *(prediction(number) for number in range(ROWS)),
    Prediction("scans/doubt.png", "3", 0.4, Status.REVIEW, "", dict.fromkeys(LABELS, 0.1), 0.4),
    Prediction("scans/none.png", "", None, Status.ERROR, "empty file"),
]


def write_table(path: Path, columns: Columns | None = None, for_excel: bool = False) -> None:
    """Write the table as classify does."""
    columns = columns or Columns(LABELS)
    suffix, compression = path.suffixes[0][1:], "gz" if path.suffixes[-1] == ".gz" else None
    made = output_format(suffix, compression, for_excel)  # type: ignore[arg-type]
    content = made.header(columns) + made.encode(columns, PREDICTIONS)
    if made.convert:
        made.convert(columns, iter(content.splitlines(keepends=True)), path)
    else:
        path.write_bytes(content)


def key(path: Path, truth_of: Callable[[str], str], delimiter: str = ",") -> list[dict[str, str]]:
    """Fill in the truths, as a spreadsheet saves them; the rows as they were."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0].keys(), delimiter=delimiter)
        writer.writeheader()
        writer.writerows({**row, "truth": truth_of(row["path"])} for row in rows)
    return rows


def label_of(path: str) -> str:
    return {row.path: row.label for row in PREDICTIONS}[path.removeprefix("'")]


@pytest.fixture
def table(in_empty_folder: Path) -> Path:
    path = in_empty_folder / "rows.csv"
    write_table(path)
    return path


@pytest.fixture
def sample(run: Run, table: Path) -> Path:
    """A sample of 40 rows, keyed as labelled but for the row of NAME, which is in it."""
    assert run("audit", "rows.csv", "--sample", "40", "--seed", "4", "-o", "sample.csv").exit_code == 0
    key(Path("sample.csv"), lambda path: "x" if path == f"'{NAME}" else label_of(path))
    return Path("sample.csv")


def test_a_sample_has_paths_and_neither_labels_nor_an_order_that_tells_them(run: Run, table: Path) -> None:
    result = run("audit", "rows.csv", "--sample", "40", "--seed", "4", "-o", "sample.csv")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "wrote sample.csv: 40 rows to key, drawn with the seed 4" in result.stderr
    assert "next: batchdigits review rows.csv --mode blind --sample sample.csv, then " in result.stderr
    assert "batchdigits audit rows.csv --keyed sample.csv --seed 4\n" in result.stderr
    rows = key(Path("sample.csv"), lambda path: "")
    assert list(rows[0]) == ["path", "truth"]
    assert {row["truth"] for row in rows} == {""}
    places = [[f"'{NAME}", *(f"scans/{i}.png" for i in range(1, ROWS))].index(row["path"]) for row in rows]
    assert places == sorted(set(places))


def test_the_seed_decides_which_rows_are_drawn(run: Run, table: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert run("audit", "rows.csv", "--sample", "9", "--seed", str(seed), "-o", f"{name}.csv").exit_code == 0
    one, same, other = (Path(f"{name}.csv").read_bytes() for name in "abc")
    assert one == same != other


def test_a_keyed_sample_is_judged(run: Run, table: Path, sample: Path) -> None:
    result = run("audit", "rows.csv", "--keyed", sample, "--seed", "4", "--json", "audit.json")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("40 of 60 ok rows keyed, 1 wrong: with 95% confidence, at most 66.67 of 1,000")
    assert f"{NAME}: 0, keyed x" in result.stdout
    found = json.loads(Path("audit.json").read_text())
    assert next(iter(found)) == "audit_of"
    assert found["wrong"] == [{"path": NAME, "label": "0", "truth": "x"}]
    assert (found["ok"], found["keyed"], found["statuses"]) == (60, 40, {"ok": 60, "review": 1, "error": 1})
    assert (found["estimate_per_1000"], found["expected_per_1000"]) == (25, 29.5)
    assert (found["upper_bound_rows"], found["upper_bound_per_1000"]) == (4, 66.667)
    assert [after["reviewed"] for after in found["after_review"]] == [1, 2, 3, 6]
    assert found["about"]["table's sha256"] == hashlib.sha256(table.read_bytes()).hexdigest()
    assert found["about"]["sample's sha256"] == hashlib.sha256(sample.read_bytes()).hexdigest()
    assert "model" not in found["about"]


@pytest.mark.parametrize(
    ("share", "words"),
    [
        ("10%", "Shown: at most 100 of 1,000 ok rows are wrong."),
        ("3/60", "a sample of 54 rows would show it, 14 more."),
        ("1/1000", "no sample would show it: review the least sure rows."),
    ],
)
def test_it_is_said_how_many_more_to_key(run: Run, sample: Path, share: str, words: str) -> None:
    result = run("audit", "rows.csv", "--keyed", sample, "--seed", "4", "--show-at-most", share, "--json", "a.json")
    assert words in result.stdout
    shown = json.loads(Path("a.json").read_text())["show_at_most"]
    assert shown["shown"] == words.startswith("Shown")


def test_the_certificate_shows_text_as_text_and_loads_nothing(run: Run, sample: Path) -> None:
    summary = {
        "summary_of": "batchdigits classify",
        "images": len(PREDICTIONS),
        "model": {"name": "<b>my</b>.tflite", "sha256": "abc"},
        "normaliser": 3,
        "threshold": 0.75,
    }
    Path("run.json").write_text(json.dumps(summary))
    options = (
        "--html",
        "a.html",
        "--summary",
        "run.json",
        "--keyed-by",
        '<img src="http://x">',
        "--show-at-most",
        "10%",
    )
    result = run("audit", "rows.csv", "--keyed", sample, "--seed", "4", *options)
    assert result.exit_code == 0, result.output
    page = Path("a.html").read_text()
    assert "default-src 'none'" in page
    for text in (
        "&lt;b&gt;my&lt;/b&gt;.tflite",
        "&lt;img src=",
        "0.75",
        "at most 66.67 of 1,000",
        "Shown: at most 100",
    ):
        assert text in page
    assert hashlib.sha256(sample.read_bytes()).hexdigest() in page
    for tag in ("<script", "<img", "<b>", "<link", 'src="', "href"):
        assert tag not in page
    assert run("audit", "rows.csv", "--keyed", sample, "--seed", "4", *options).exit_code == 0  # its own is replaced


@pytest.mark.parametrize("name", ["rows.csv", "rows.tsv", "rows.jsonl", "rows.csv.gz", "rows.parquet"])
def test_every_format_gives_the_same_sample_and_result(run: Run, in_empty_folder: Path, name: str) -> None:
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow")
    write_table(Path(name))
    assert run("audit", name, "--sample", "40", "--seed", "4", "-o", "sample.csv").exit_code == 0
    write_table(Path("plain.csv"))
    run("audit", "plain.csv", "--sample", "40", "--seed", "4", "-o", "plain-sample.csv")
    assert Path("sample.csv").read_bytes() == Path("plain-sample.csv").read_bytes()
    key(Path("sample.csv"), label_of)
    result = run("audit", name, "--keyed", "sample.csv", "--seed", "4")
    assert result.stdout.startswith("40 of 60 ok rows keyed, 0 wrong")


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl", "rows.parquet"])
def test_tables_with_more_columns_or_for_spreadsheets_are_read(run: Run, in_empty_folder: Path, name: str) -> None:
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow")
    write_table(Path(name), Columns(LABELS, top_k=2, probabilities=True), for_excel=name.endswith(".csv"))
    assert run("audit", name, "--sample", "60", "-o", "sample.csv").exit_code == 0
    key(Path("sample.csv"), label_of, delimiter=";")
    assert "0 wrong: with 95% confidence, at most 0 of" in run("audit", name, "--keyed", "sample.csv").stdout


def test_rows_changed_by_hand_are_neither_drawn_nor_judged(run: Run, table: Path) -> None:
    table.write_text(table.read_text().replace("1.png,1,0.999000,ok", "1.png,7,0.999000,reviewed"))
    assert run("audit", "rows.csv", "--sample", "59", "-o", "sample.csv").exit_code == 0
    assert "scans/1.png" not in [row["path"] for row in key(Path("sample.csv"), label_of)]
    assert run("audit", "rows.csv", "--sample", "60", "-o", "more.csv").exit_code == 1


def test_the_size_of_a_sample_is_computed_from_the_scores(run: Run, table: Path) -> None:
    result = run("audit", "rows.csv", "--show-at-most", "10/100")
    assert result.exit_code == 0
    assert result.stdout == (
        "Key 31 of the 60 ok rows to show, with 95% confidence, that at most 100 of 1,000 ok rows are wrong.\n"
        "This relies on the scores, by which 29.5 of 1,000 are wrong; if more are, more rows are needed.\n"
    )
    assert run("audit", "rows.csv", "--show-at-most", "10/100", "-o", "sample.csv").exit_code == 0
    assert len(key(Path("sample.csv"), label_of)) == 31
    assert run("audit", "rows.csv", "--show-at-most", "1/1000").stdout == (
        "No sample can show that at most 1 of 1,000 ok rows are wrong: by the scores, 29.5 of 1,000 are. "
        "Review the least sure rows first.\n"
    )
    result = run("audit", "rows.csv", "--show-at-most", "1/1000", "-o", "none.csv")
    assert (result.exit_code, Path("none.csv").exists()) == (1, False)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "give --sample N, --show-at-most K/N or --keyed FILE"),
        (["--sample", "5"], "--sample needs -o"),
        (["--sample", "0", "-o", "s.csv"], "0 is not in the range"),
        (["--sample", "5", "--keyed", "s.csv"], "--keyed judges a sample"),
        (["--keyed", "s.csv", "-o", "t.csv"], "--keyed judges a sample"),
        (["--sample", "5", "-o", "s.csv", "--html", "a.html"], "go with --keyed"),
        (["--sample", "5", "-o", "s.csv", "--show-at-most", "1/9"], "both set the size"),
        (["--sample", "5", "-o", "s.xlsx"], "must end in .csv"),
        (["--show-at-most", "2/0"], "'2/0' is not a"),
        (["--show-at-most", "two"], "'two' is not a"),
        (["--show-at-most", "3/2"], "'3/2' is not a ratio such as 2/1000"),
        (["--keyed", "s.csv", "--json", "a.txt"], "must end in .json"),
        (["--keyed", "s.csv", "--html", "a.txt"], "must end in .html"),
    ],
)
def test_options_that_do_not_fit_are_refused(run: Run, table: Path, options: list[str], words: str) -> None:
    result = run("audit", "rows.csv", *options)
    assert result.exit_code == 2
    assert words in result.stderr
    assert list(table.parent.iterdir()) == [table]


@pytest.mark.parametrize(("option", "name"), [("-o", "sample.csv"), ("--json", "mine.json"), ("--html", "mine.html")])
def test_nothing_that_a_person_made_is_written_over(run: Run, sample: Path, option: str, name: str) -> None:
    if name != "sample.csv":
        Path(name).write_text("mine")
    before = Path(name).read_bytes()
    step = ("--sample", "5") if option == "-o" else ("--keyed", sample, "--seed", "4")
    result = run("audit", "rows.csv", *step, option, name)
    assert (result.exit_code, "another name" in result.stderr) == (1, True)
    assert Path(name).read_bytes() == before


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("none.csv", None, "cannot read none.csv: no such file"),
        ("bad.csv", "name,digit\na,1\n", "cannot read bad.csv: it is not CSV, TSV"),
        (
            "both.csv",
            "path;label;confidence;status;detail,score\na;1;1;ok;;1\n",
            "cannot read both.csv: it is not CSV, TSV",
        ),
        ("empty.csv", "", "cannot read empty.csv: it is not CSV, TSV"),
        (
            "unicode.txt",
            "path\tlabel\tconfidence\tstatus\tdetail\tscore\n".encode("utf-16"),
            "cannot read unicode.txt: it is in UTF-16; save it as UTF-8, which Excel calls CSV UTF-8",
        ),
        (
            "open.csv",
            'path,label,confidence,status,detail,score\n"a,1,1,ok,,1\n',
            "the row in line 2: unexpected end of data",
        ),
        (
            "numbers.csv",
            'path,value,confidence,status,detail,score\na,"9,87654E+19",1,ok,,1\n',
            "a spreadsheet has made 9,87654E+19 of the number of a, and its digits are lost",
        ),
        (
            "points.csv",
            "path,label,confidence,status,detail,score\na,1,1,ok,,999995\n",
            "a spreadsheet has made 999995 of the score or confidence of a: take the table as it was written",
        ),
        (
            "points.csv",
            "path,label,confidence,status,detail,score\na,1,999995,ok,,1\n",
            "a spreadsheet has made 999995 of the score or confidence of a: take the table as it was written",
        ),
        ("bad.jsonl", '{"path": "a"}\n', "line 1 is not a row of classify"),
        ("bad.parquet", "PAR1", "it is not a Parquet file"),
        ("bad.csv.gz", "text", "it is damaged, or not a .gz file"),
        ("rows.xlsx", "PK", "cannot read rows.xlsx: it is a workbook"),
        ("rows.parquet.gz", "", "cannot read rows.parquet.gz: it is"),
        ("review.csv", "path,label,confidence,status,detail,score\na,1,1,review,,1\n", "no ok rows to audit"),
    ],
)
def test_what_is_no_table_is_refused_in_one_line(
    run: Run, in_empty_folder: Path, name: str, content: str | bytes | None, words: str
) -> None:
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow")
    if content is not None:
        Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
    result = run("audit", name, "--sample", "1", "-o", "sample.csv")
    assert result.exit_code == 1
    assert words in result.stderr
    assert result.stderr.count("\n") == 1
    assert not Path("sample.csv").exists()


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", 'path,truth\n"a"b,1\n', "path,label,truth\na,1,1\n"])
def test_what_is_no_sample_is_refused_in_one_line(run: Run, table: Path, content: str) -> None:
    Path("sample.csv").write_text(content)
    result = run("audit", "rows.csv", "--keyed", "sample.csv", "--html", "a.html")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "the sample is not a CSV with the columns path,truth" in result.stderr
    assert not Path("a.html").exists()


def test_scores_with_a_decimal_comma_are_scores(run: Run, table: Path) -> None:
    """As a spreadsheet writes them where the decimal sign is a comma."""
    before = run("audit", "rows.csv", "--show-at-most", "150/1000").stdout
    with table.open(newline="") as stream:
        cells = list(csv.reader(stream))
    with table.open("w", newline="") as stream:
        csv.writer(stream).writerows([[cell.replace("0.", "0,") for cell in row] for row in cells])
    assert run("audit", "rows.csv", "--show-at-most", "150/1000").stdout == before


def test_a_sample_that_was_saved_in_another_encoding_is_refused_with_what_to_do(run: Run, table: Path) -> None:
    Path("sample.csv").write_bytes("path,truth\nb\u00fc.png,1\n".encode("cp1252"))
    result = run("audit", "rows.csv", "--keyed", "sample.csv")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "the sample is not in UTF-8 any more: save it as UTF-8, which Excel calls CSV UTF-8" in result.stderr


def test_a_sample_of_another_seed_or_table_is_refused(run: Run, table: Path, sample: Path) -> None:
    for options in (["--seed", "3"], []):
        result = run("audit", "rows.csv", "--keyed", sample, *options)
        assert result.exit_code == 1
        assert "are not the sample that the seed" in result.stderr
    table.write_text(table.read_text().replace("59.png,9,0.941000,ok", "59.png,9,0.941000,reviewed"))
    assert run("audit", "rows.csv", "--keyed", sample, "--seed", "4").exit_code == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is no summary of batchdigits classify"),
        ('{"summary_of": "something"}', "is no summary of batchdigits classify"),
        ("[]", "is no summary of batchdigits classify"),
        (
            '{"summary_of": "batchdigits classify", "images": 7, "model": {"name": "m", "sha256": "a"}, '
            '"normaliser": 3, "threshold": 0.5}',
            "is about another table: 7 images, where this one has 62 rows",
        ),
    ],
)
def test_a_summary_of_something_else_is_refused(run: Run, sample: Path, content: str, words: str) -> None:
    Path("run.json").write_text(content)
    result = run("audit", "rows.csv", "--keyed", sample, "--seed", "4", "--summary", "run.json", "--html", "a.html")
    assert (result.exit_code, result.stdout) == (1, "")
    assert words in result.stderr
    assert not Path("a.html").exists()


AT = "2026-11-29T05:00:00+00:00"


def answer(table: Path, answers: list[Answer], mode: Mode = "blind", reviewer: str = "Anna", at: str = AT) -> None:
    """Key rows in the review of a table."""
    with closing(ReviewLog(log_path(table), table.name)) as log:
        log.add(reviewer, "t", mode, "first", answers, at)


def accepted(path: str) -> Answer:
    return Answer(path, "label", label_of(path), label_of(path), "ok")


@pytest.fixture
def open_sample(run: Run, table: Path) -> list[str]:
    """The paths of a sample of 40 rows without truths; that of NAME is the first."""
    assert run("audit", "rows.csv", "--sample", "40", "--seed", "4", "-o", "sample.csv").exit_code == 0
    return [row["path"].removeprefix("'") for row in key(Path("sample.csv"), lambda path: "")]


JUDGE = ("audit", "rows.csv", "--keyed", "sample.csv", "--seed", "4", "--json", "audit.json", "--html", "audit.html")


def test_rows_are_taken_that_were_keyed_blind_in_the_review(run: Run, table: Path, open_sample: list[str]) -> None:
    first, second, third, *others = open_sample
    answers = [
        Answer(first, "not_digit", "", "0", "ok"),
        Answer(second, "blank", "", label_of(second), "ok"),
        Answer(third, "label", "other", label_of(third), "ok"),
    ]
    answer(table, [*answers, *map(accepted, others[:20])])
    answer(table, list(map(accepted, others[20:])), reviewer="Ben", at="2026-12-01T05:00:00+00:00")
    result = run(*JUDGE)
    assert result.exit_code == 0, result.output
    assert "0 of 40 rows keyed in sample.csv; 40 keyed blind in rows.csv.review\n" in result.stderr
    found = json.loads(Path("audit.json").read_text())
    truths = {row["path"]: row["truth"] for row in found["wrong"]}
    assert truths == {first: "x", second: "blank", third: "other"}
    about = found["about"]
    assert (about["keyed by"], about["keyed on"]) == ("Anna (23 rows), Ben (17 rows)", "2026-11-29 to 2026-12-01")
    digest = hashlib.sha256(log_path(table).read_bytes()).hexdigest()
    assert (about["review log"], about["review log's sha256"]) == ("rows.csv.review", digest)
    page = Path("audit.html").read_text()
    assert "Anna (23 rows), Ben (17 rows), 2026-11-29 to 2026-12-01" in page
    assert digest in page


def test_a_truth_in_the_sample_counts_more_than_the_review(run: Run, table: Path, open_sample: list[str]) -> None:
    key(Path("sample.csv"), lambda path: "typed" if path == f"'{NAME}" else "")
    answer(table, list(map(accepted, open_sample)))
    result = run(*JUDGE, "--keyed-by", "Carla")
    assert "1 of 40 rows keyed in sample.csv; 39 keyed blind in rows.csv.review\n" in result.stderr
    found = json.loads(Path("audit.json").read_text())
    assert found["wrong"] == [{"path": NAME, "label": "0", "truth": "typed"}]
    assert (found["about"]["keyed by"], found["about"]["keyed on"]) == ("Carla", "2026-11-29")


def test_one_person_who_keyed_all_is_only_named(run: Run, table: Path, open_sample: list[str]) -> None:
    answer(table, list(map(accepted, open_sample)))
    assert run(*JUDGE).exit_code == 0
    assert json.loads(Path("audit.json").read_text())["about"]["keyed by"] == "Anna"


def test_answers_to_predictions_and_unsure_ones_leave_rows_open(run: Run, table: Path, open_sample: list[str]) -> None:
    first, second, *others = open_sample
    answer(table, [accepted(first)], mode="grid")
    answer(table, [Answer(second, "unsure", "", label_of(second), "ok"), *map(accepted, others)])
    result = run(*JUDGE)
    assert result.exit_code == 1
    assert (
        "0 of 40 rows keyed in sample.csv; 38 keyed blind in rows.csv.review; "
        "1 answer there not used, as the label was shown; type these truths into sample.csv; 1 unsure there\n"
    ) in result.stderr
    assert "2 rows of the sample without a truth" in result.stderr
    assert not Path("audit.html").exists()


def test_answers_that_were_changed_when_the_label_was_shown_are_counted(
    run: Run, table: Path, open_sample: list[str]
) -> None:
    first, second, third, *others = open_sample
    answer(table, [Answer(path, "blank", "", label_of(path), "ok") for path in (first, second, third)])
    answer(table, list(map(accepted, [third, *others])))  # a slip that was seen before the label was shown
    answer(table, [accepted(first)], mode="single")
    answer(table, [Answer(second, "blank", "", label_of(second), "ok")], mode="single")  # confirmed
    result = run(*JUDGE)
    assert "40 keyed blind in rows.csv.review; 1 of these changed when the label was shown\n" in result.stderr
    about = json.loads(Path("audit.json").read_text())["about"]
    assert about["changed when the label was shown"] == "1 row"
    assert "changed when the label was shown<td>1 row" in Path("audit.html").read_text()


@pytest.mark.parametrize(("mode", "is_drawn"), [("grid", False), ("single", False), ("blind", True)])
def test_no_sample_is_drawn_where_ok_rows_were_answered_with_their_label_in_sight(
    run: Run, table: Path, mode: Mode, is_drawn: bool
) -> None:
    answer(table, [accepted(NAME)], mode=mode)
    result = run("audit", "rows.csv", "--sample", "9", "-o", "sample.csv")
    assert Path("sample.csv").exists() == is_drawn
    says = (
        "batchdigits: error: rows.csv.review has answers for 1 ok row whose label was shown: first batchdigits review "
        "rows.csv --apply -o FILE, then audit that\n"
    )
    assert (says == result.stderr) != is_drawn
    assert run("audit", "rows.csv", "--show-at-most", "10/100").exit_code == 0


def test_what_was_typed_into_a_sample_can_be_applied(run: Run, table: Path, sample: Path) -> None:
    result = run("audit", "rows.csv", "--keyed", sample, "--seed", "4")
    command = "batchdigits review rows.csv --apply --sample sample.csv --reviewer NAME -o FILE"
    assert result.stderr == f"batchdigits: next: {command}, for a table in which the keyed rows are reviewed\n"
    result = run(*command.split()[1:-1], "final.csv")
    assert result.exit_code == 0, result.output
    assert "40 of 62 rows reviewed, 1 corrected\n" in result.stderr
    result = run("audit", "final.csv", "--sample", "20", "-o", "rest.csv")
    assert result.exit_code == 0, result.output


def test_a_sample_that_is_keyed_needs_no_review(run: Run, table: Path, sample: Path) -> None:
    log_path(table).write_text("no log\n")
    result = run(*JUDGE)
    assert (result.exit_code, "rows.csv.review" in result.stderr) == (0, False)
    key(sample, lambda path: "")
    result = run(*JUDGE)
    assert (result.exit_code, "rows.csv.review is no log" in result.stderr) == (1, True)


def test_a_class_named_x_is_not_taken_for_no_digit(run: Run, in_empty_folder: Path) -> None:
    Path("rows.csv").write_text("path,label,confidence,status,detail,score\na.png,x,1,ok,,1\n")
    run("audit", "rows.csv", "--sample", "1", "-o", "sample.csv")
    answer(Path("rows.csv"), [Answer("a.png", "not_digit", "", "x", "ok")])
    assert "1 of 1 ok row keyed, 1 wrong" in run("audit", "rows.csv", "--keyed", "sample.csv").stdout


def test_the_whole_table_has_a_bound_with_its_reviewed_rows(run: Run, table: Path) -> None:
    rows = "".join(f"more/{number}.png,1,0.5,reviewed,,0.5\n" for number in range(20))
    table.write_text(table.read_text() + rows)
    assert run("audit", "rows.csv", "--sample", "40", "--seed", "4", "-o", "sample.csv").exit_code == 0
    key(Path("sample.csv"), lambda path: "x" if path == f"'{NAME}" else label_of(path))
    result = run(*JUDGE)
    assert (
        "Whole table: of the 80 finished rows (60 ok, 20 reviewed), 18.75 of 1,000 are wrong by the sample, and at "
        "most 50, taking reviewed rows as right. At most 37.5, once those found wrong are put right. "
        "Not counted: 1 error, 1 review."
    ) in result.stdout
    found = json.loads(Path("audit.json").read_text())
    assert found["upper_bound_rows"] == 4
    assert found["whole_table"] == {
        "rows": 80,
        "reviewed": 20,
        "not_counted": {"error": 1, "review": 1},
        "expected_per_1000": 22.125,
        "estimate_per_1000": 18.75,
        "upper_bound_per_1000": 50,
        "upper_bound_per_1000_when_corrected": 37.5,
    }
    page = Path("audit.html").read_text()
    assert "60 ok, 20 reviewed, 1 error, 1 review" in page
    assert "taking reviewed rows as right" in page
    assert "not recorded" in page


def test_a_table_of_numbers_is_keyed_blind_and_certified(run: Run, in_empty_folder: Path) -> None:
    values = [f"{number:03}" for number in range(40)] + ["7"] * 40
    rows = [f"{i}.png,{value},0.{99 - i % 40},ok,,0.{99 - i % 40}" for i, value in enumerate(values)]
    Path("rows.csv").write_text("\n".join(["path,value,confidence,status,detail,score", *rows, ""]))
    assert run("audit", "rows.csv", "--sample", "20", "--seed", "4", "-o", "sample.csv").exit_code == 0
    with Path("sample.csv").open(encoding="utf-8-sig", newline="") as file:
        drawn = [int(row["path"].partition(".")[0]) for row in csv.DictReader(file)]
    answers = [Answer(f"{i}.png", "label", values[i], values[i], "ok") for i in drawn[1:]]
    wrong = f"{drawn[0]}.png"
    answer(
        Path("rows.csv"), [Answer(wrong, "label", values[drawn[0]].lstrip("0") + "0", values[drawn[0]], "ok"), *answers]
    )
    result = run(*JUDGE)
    assert result.exit_code == 0, result.output
    assert "20 of 80 ok rows keyed, 1 wrong" in result.stdout
    (found,) = json.loads(Path("audit.json").read_text())["wrong"]
    assert (found["path"], found["value"], "label" in found) == (wrong, values[drawn[0]], False)
    page = Path("audit.html").read_text()
    assert "Audit of a table of handwritten numbers" in page
    assert "keyed without seeing values" in page
    assert not any(word in page for word in ("label", "digits<", "{answer}"))


def test_digits_that_pandas_or_a_spreadsheet_wrote_are_digits(run: Run, table: Path, sample: Path) -> None:
    key(sample, lambda path: f"{label_of(path)}.0" if path.endswith("1.png") else f"'{label_of(path)}")
    assert "40 of 60 ok rows keyed, 0 wrong: " in run("audit", "rows.csv", "--keyed", sample, "--seed", "4").stdout
    table.write_text(table.read_text().replace("label", "value", 1))  # of which a point may be a part
    assert "5 wrong: " in run("audit", "rows.csv", "--keyed", sample, "--seed", "4").stdout


def test_numbers_as_a_spreadsheet_saves_them_are_right(run: Run, in_empty_folder: Path) -> None:
    values = ["1897.37", "1685.50", "1386.37", "1740.00", "0.50", "0100.25", "12.40"]
    typed = ["1897,37", "1685,5", "1.386,37", "'1740", "0,5", "100,25", "12,41"]
    rows = [f"{i}.png,1,amount,{value},0.9,ok,,0.9" for i, value in enumerate(values)]
    rows += [f"{i}.png,1,id,{value},0.9,ok,,0.9" for i, value in enumerate(["04774", "4774", "07", "00"])]
    table = Path("rows.csv")
    table.write_text("\n".join(["path,page,field,value,confidence,status,detail,score", *rows, ""]))
    assert run("audit", table, "--sample", "11", "-o", "sample.csv").exit_code == 0
    truths = {f"{i}.png#amount": text for i, text in enumerate(typed)}
    truths |= {"0.png#id": "4774", "1.png#id": "4775", "2.png#id": "", "3.png#id": "0"}
    key(Path("sample.csv"), truths.__getitem__, delimiter=";")
    answer(table, [Answer("2.png#id", "label", "7", "07", "ok")])  # no spreadsheet has made it
    result = run(*JUDGE[:-1], "audit.html", "--seed", "1")
    assert "11 of 11 ok rows keyed, 3 wrong: " in result.stdout
    for line in ("6.png#amount: 12.40, keyed 12.41", "1.png#id: 4774, keyed 4775", "2.png#id: 07, keyed 7"):
        assert line in result.stdout
    words = "3 numbers without the leading zeros of the value, which a spreadsheet drops: taken as the value\n"
    assert f"batchdigits: sample.csv has {words}" in result.stderr
    assert "keyed without leading zeros" in Path("audit.html").read_text()
    assert run("review", table, "--apply", "--sample", "sample.csv", "-o", "final.csv").exit_code == 0
    with Path("final.csv").open(newline="") as file:
        final = [(row["value"], row["predicted"]) for row in csv.DictReader(file)]
    assert [value for value, _ in final] == [*values[:6], "12.41", "04774", "4775", "7", "00"]
    assert {predicted for _, predicted in final[:6]} == set(values[:6])


def test_a_number_that_a_spreadsheet_may_have_changed_is_refused(run: Run, in_empty_folder: Path) -> None:
    rows = "".join(f"{i}.png,{value},0.9,ok,,0.9\n" for i, value in enumerate(["1386.00", "12.50", "7.25"]))
    Path("rows.csv").write_text(f"path,value,confidence,status,detail,score\n{rows}")
    assert run("audit", "rows.csv", "--sample", "3", "-o", "sample.csv").exit_code == 0
    truths = {"0.png": "1.386", "1.png": "12,5", "2.png": "x"}
    key(Path("sample.csv"), truths.__getitem__)
    result = run("audit", "rows.csv", "--keyed", "sample.csv")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "may have changed: 0.png: 1.386; type these as in the table, or x for no number\n" in result.stderr
    key(Path("sample.csv"), {**truths, "0.png": "1386"}.__getitem__)
    assert "1 wrong: " in run("audit", "rows.csv", "--keyed", "sample.csv").stdout


def test_a_zero_that_a_person_left_out_makes_a_row_wrong(run: Run, in_empty_folder: Path) -> None:
    rows = "".join(f"{i}.png,{value},0.9,ok,,0.9\n" for i, value in enumerate(["007", "012", "045"]))
    Path("rows.csv").write_text(f"path,value,confidence,status,detail,score\n{rows}")
    assert run("audit", "rows.csv", "--sample", "3", "-o", "sample.csv").exit_code == 0
    key(Path("sample.csv"), {"0.png": "007", "1.png": "12", "2.png": "045"}.__getitem__)
    result = run("audit", "rows.csv", "--keyed", "sample.csv", "--json", "audit.json")
    assert json.loads(Path("audit.json").read_text())["audit_of"] == "batchdigits read"
    assert ("1 wrong: " in result.stdout, "1.png: 012, keyed 12" in result.stdout) == (True, True)
    assert "leading zeros" not in result.stderr
