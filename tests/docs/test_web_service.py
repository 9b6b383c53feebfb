"""The example of a web service, in this process: one prediction for each upload, whatever its bytes are."""

from __future__ import annotations

import io
import runpy
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from tests.conftest import ROOT, SAMPLES

pytest.importorskip("fastapi")
testclient = pytest.importorskip("fastapi.testclient")

SERVICE = ROOT / "examples" / "web_service.py"


@pytest.fixture(scope="module")
def service() -> dict[str, Any]:
    return runpy.run_path(str(SERVICE))


@pytest.fixture(scope="module")
def client(service: dict[str, Any]) -> Iterator[Any]:
    with testclient.TestClient(service["app"]) as client:
        yield client


def upload(client: Any, data: bytes, name: str = "scan.png") -> Any:
    response = client.post("/classify", files={"image": (name, data)})
    assert response.status_code == 200
    return response.json()


def test_a_png_gets_its_label(client: Any) -> None:
    prediction = upload(client, (SAMPLES / "digits/3/large.png").read_bytes(), "three.png")
    assert (prediction["path"], prediction["label"], prediction["status"]) == ("three.png", "3", "ok")
    assert prediction["probabilities"]["3"] == prediction["confidence"] > 0.9


def test_a_blank_page_has_no_label(client: Any) -> None:
    prediction = upload(client, (SAMPLES / "broken/blank.png").read_bytes())
    assert (prediction["status"], prediction["label"], prediction["confidence"]) == ("blank", "", None)


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (b"", "empty file"),
        (b"digits", "not an image"),
        ((SAMPLES / "broken/truncated.jpg").read_bytes(), "truncated or corrupt JPEG"),
    ],
)
def test_bytes_that_are_no_image_get_a_prediction_too(client: Any, data: bytes, detail: str) -> None:
    prediction = upload(client, data)
    assert prediction["status"] == "error"
    assert detail in prediction["detail"]


def test_a_request_without_an_image_is_refused(client: Any) -> None:
    assert client.post("/classify", data={"image": "3"}).status_code == 422


def test_a_request_with_two_images_is_refused(client: Any) -> None:
    images = [("image", ("a.png", b"a")), ("image", ("b.png", b"b"))]
    response = client.post("/classify", files=images)
    assert (response.status_code, response.json()) == (422, {"detail": "a request has one image"})


def test_several_pages_are_refused_in_words_for_a_client(client: Any) -> None:
    pages, page = io.BytesIO(), Image.new("L", (28, 28))
    page.save(pages, "TIFF", save_all=True, append_images=[page])
    assert upload(client, pages.getvalue())["detail"] == "several pages: send each as an image of its own"


def test_a_request_that_is_too_large_is_refused(client: Any, service: dict[str, Any]) -> None:
    response = client.post("/classify", files={"image": ("big.png", bytes(service["MAX_REQUEST_BYTES"]))})
    assert response.status_code == 413
    assert "10,000,000 bytes" in response.json()["detail"]


def test_a_request_of_unknown_length_is_refused(client: Any) -> None:
    response = client.post("/classify", content=iter([b"a", b"b"]))
    assert response.status_code == 411


def test_the_service_describes_itself(client: Any) -> None:
    assert "/classify" in client.get("/openapi.json").json()["paths"]


def test_the_page_shows_the_very_code() -> None:
    page = (ROOT / "docs/how-to/web-service.md").read_text()
    assert "```{literalinclude} ../../examples/web_service.py" in page
