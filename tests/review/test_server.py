"""The server: what it answers, and whom it refuses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from batchdigits.output.review_log import ReviewLog, log_path, read_review
from batchdigits.review.review import Review
from batchdigits.review.rows import Rows
from batchdigits.review.scan_files import ScanFiles
from batchdigits.review.server import MAX_BODY_BYTES, application
from batchdigits.review.setting import Setting
from tests.conftest import Arrays
from tests.review.test_rows import row

TOKEN = "s3cret"
HOST = "http://127.0.0.1:8000"
TABLE = [
    row("7.png", "7", 0.9),
    row("../secret.png", "1", 0.4, "review"),
    row("<script>alert(1)</script>.png", "", None, "error"),
    row("pages.tif#2", "7", 0.9),
    row("white.png", "", None, "blank"),
]


@pytest.fixture
def client(in_empty_folder: Path, small_mnist: Arrays) -> Iterator[TestClient]:
    """A browser that has the page open."""
    images = [Image.fromarray(255 - image) for image in small_mnist["x_test"][:2]]
    images[0].resize((280, 140)).save("7.png")
    images[0].save("../secret.png")
    images[0].save("pages.tif", save_all=True, append_images=images[1:])
    Image.new("L", (28, 28), 255).save("white.png")
    with closing(ReviewLog(log_path(Path("rows.csv")), "rows.csv")) as log:
        review = Review(Rows(TABLE), log, Setting("rows.csv", "anna"))
        files = ScanFiles([], [], Path())
        with closing(
            TestClient(application(review, files, TOKEN), f"{HOST}/{TOKEN}", raise_server_exceptions=False)
        ) as client:
            yield client


def post(client: TestClient, **fields: Any) -> Any:
    answer = {"tab": "t", "mode": "grid", "view": "", "answers": ANSWER, "since": 1}
    content = json.dumps({**answer, **fields})  # in ASCII, which can have half of a surrogate pair
    return client.post("/answers", content=content, headers={"content-type": "application/json"})


def fault(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["error"]


ANSWER = [{"row": 0, "kind": "label", "label": "1"}]


def test_the_page_and_its_files(client: TestClient) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for name in ("page/review.js", "common/elements.js"):
        assert client.get(f"/{name}").headers["content-type"] == "text/javascript; charset=utf-8"
    for name in ("none.js", "../server.py", "..%2Fserver.py", "%2e%2e/server.py"):
        for folder in ("page", "common"):
            assert client.get(f"/{folder}/{name}").status_code in (400, 404)


def test_rows_answers_and_undo(client: TestClient) -> None:
    assert client.get("/state").json()["rows"] == 5
    cards = client.get("/cards?group=7&start=0&count=1").json()
    assert (cards["total"], [card["path"] for card in cards["cards"]]) == (2, ["7.png"])
    assert client.get("/cards?path=SCRIPT").json()["cards"][0]["path"] == TABLE[2].path
    assert [card["row"] for card in client.get("/cards?order=table&status=review").json()["cards"]] == [1]
    assert [card["row"] for card in client.get("/cards?order=score&count=2").json()["cards"]] == [1, 0]
    page = client.get("/cards?at=3&count=2").json()
    assert (page["start"], [card["row"] for card in page["cards"]]) == (2, [3, 2])
    assert client.get("/cards?at=3&group=1").json()["start"] == 0
    assert post(client).json()["last_action"] == 2
    assert client.get("/cards?order=score&at=open&count=1").json()["start"] == 0
    assert client.get("/cards?order=table&at=open&count=1").json()["start"] == 1
    assert read_review(Path("rows.csv.review"))["7.png"].answer.label == "1"
    assert client.get("/cards?answered=done").json()["total"] == 1
    assert client.get("/changes?since=1").json()["changes"] == [{"row": 0, "answer": {"kind": "label", "label": "1"}}]
    assert client.post("/undo", json={"tab": "t", "since": 2}).json()["undone"] == [0]
    assert [card["row"] for card in client.get("/neighbours/4?count=9").json()["before"]] == [0, 3]
    assert client.get("/cards?view=differences").json()["total"] == 0


def test_images(client: TestClient) -> None:
    def size(address: str) -> tuple[int, int]:
        response = client.get(address)
        assert response.headers["content-type"] == "image/png"
        return Image.open(BytesIO(response.content)).size

    assert size("/scan/0?side=100") == (100, 50)
    assert size("/scan/0") == (160, 80)
    assert size("/scan/0?side=5000") == (280, 140)
    assert size("/scan/3") == (28, 28)
    assert size("/glyph/0") == (28, 28)
    first, second = (np.asarray(Image.open(BytesIO(client.get(f"/{kind}/3").content))) for kind in ("scan", "glyph"))
    assert first.mean() > 128 > second.mean()


def test_an_image_that_cannot_be_shown_says_why(client: TestClient) -> None:
    assert fault(client.get("/scan/1")) == (
        404,
        "the image is outside of the folders that may be shown; give its own to --scans",
    )
    assert fault(client.get("/glyph/1"))[0] == 404
    assert fault(client.get("/scan/2")) == (404, "no such file")
    assert fault(client.get("/glyph/4")) == (404, "the image has no ink, so no glyph")
    assert fault(client.get("/scan/5")) == (404, "there is no row 5")


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "evil.example:8000"},
        {"host": "127.0.0.1.evil.example"},
        {"host": "[::1"},
        {"host": ""},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9000"},
        {"origin": "https://127.0.0.1:8000"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_what_does_not_come_from_the_page_is_refused(client: TestClient, headers: dict[str, str]) -> None:
    for address in ("/", "/state", "/scan/0"):
        assert fault(client.get(address, headers=headers))[0] == 403
    response = client.post("/answers", json={"tab": "t", "mode": "grid", "answers": ANSWER}, headers=headers)
    assert response.status_code == 403
    assert read_review(Path("rows.csv.review")) == {}


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:1234", "[::1]:8000", "LOCALHOST"])
def test_the_page_itself_is_not_refused_also_through_a_tunnel(client: TestClient, host: str) -> None:
    headers = {"host": host, "origin": f"http://{host}", "sec-fetch-site": "same-origin"}
    assert client.get("/state", headers=headers).status_code == 200


@pytest.mark.parametrize("token", ["", "s3cre", "s3cret2", "S3CRET", "page", "ü", "s3cret%00", ".", ".."])
def test_without_the_token_there_is_nothing(client: TestClient, token: str) -> None:
    for rest in ("", "/", "/state", "/page/index.html", "/scan/0"):
        assert client.get(f"{HOST}/{token}{rest}").status_code == 403


def test_a_request_without_a_path_is_refused(client: TestClient) -> None:
    async def ask() -> list[Any]:
        messages: list[Any] = []

        async def send(message: Any) -> None:
            messages.append(message)

        async def receive() -> Any:
            return {"type": "http.request"}

        await client.app({"type": "http", "path": "*", "headers": [(b"host", b"127.0.0.1")]}, receive, send)
        return messages

    assert asyncio.run(ask())[0]["status"] == 403  # OPTIONS *


def test_every_answer_forbids_the_browser_what_the_page_does_not_need(client: TestClient) -> None:
    for address, status in (("/", 200), ("/state", 200), ("/scan/1", 404), ("/nothing", 404), (f"{HOST}/", 403)):
        response = client.get(address)
        assert response.status_code == status
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"", "application/json"),
        (b"[]", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"\xff", "application/json"),
        (json.dumps({"tab": "t", "mode": "grid", "answers": ANSWER}).encode(), "text/plain"),
        (
            json.dumps({"tab": "t", "mode": "grid", "answers": ANSWER, "x": "y" * MAX_BODY_BYTES}).encode(),
            "application/json",
        ),
    ],
)
def test_a_body_that_is_no_answer_is_refused(client: TestClient, content: bytes, content_type: str) -> None:
    response = client.post("/answers", content=content, headers={"content-type": content_type})
    assert response.status_code == 400
    assert read_review(Path("rows.csv.review")) == {}


@pytest.mark.parametrize(
    "fields",
    [
        {"tab": 1},
        {"tab": "\ud800"},
        {"tab": "t" * 65},
        {"request": "a\nb"},
        {"mode": "other"},
        {"mode": []},
        {"view": 1},
        {"answers": {}},
        {"answers": [1]},
        {"answers": []},
        {"answers": [*ANSWER, {"row": 0, "kind": "blank"}]},
        {"since": "1"},
    ],
)
def test_a_field_of_another_kind_is_refused(client: TestClient, fields: dict[str, Any]) -> None:
    assert post(client, **fields).status_code == 400
    assert read_review(Path("rows.csv.review")) == {}


def test_a_number_that_is_none_is_refused(client: TestClient) -> None:
    for query in ("start=-1", "start=x", "count=1e3", "start=²", "start=99999999999"):
        assert fault(client.get(f"/cards?{query}"))[0] == 400


def test_methods_that_change_nothing_are_refused_for_answers(client: TestClient) -> None:
    assert client.get("/answers").status_code == 405
    assert client.get("/undo").status_code == 405


def test_an_answer_that_cannot_be_written_is_not_acknowledged(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    status, error = fault(post(client))
    assert status == 500
    assert "No space left" in error
    assert client.get("/state").json()["answered"] == 0
