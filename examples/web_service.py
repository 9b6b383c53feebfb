"""A web service: the image of a handwritten digit in, its prediction out.

pip install batchdigits fastapi python-multipart uvicorn
uvicorn web_service:app
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Request, Response, UploadFile
from fastapi.responses import JSONResponse

from batchdigits import Classifier

MAX_REQUEST_BYTES = 10_000_000

app = FastAPI(title="Handwritten digits")
classifier = Classifier(probabilities=True)  # once, not for each request: loading takes longer than classifying


@app.middleware("http")
async def refuse_large_requests(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
    """Refuse a body that is too large by its announced length, before it is received."""
    length = request.headers.get("content-length", "" if request.method == "POST" else "0")
    if not length.isdecimal():
        return JSONResponse({"detail": "a request needs a Content-Length"}, status_code=411)
    if int(length) > MAX_REQUEST_BYTES:
        return JSONResponse({"detail": f"a request has at most {MAX_REQUEST_BYTES:,} bytes"}, status_code=413)
    return await answer(request)


async def only_image(request: Request, image: UploadFile) -> UploadFile:
    """The file called `image`; of several, FastAPI would take the last one without a word."""
    if len((await request.form()).getlist("image")) > 1:
        raise HTTPException(422, "a request has one image")
    return image


@app.post("/classify")
def classify(image: Annotated[UploadFile, Depends(only_image)]) -> dict[str, Any]:
    """One prediction, whatever the bytes are: what cannot be read has the status `error`, and a reason."""
    # Without `async`, FastAPI calls this in a thread, so that other requests need not wait for the classifier.
    prediction = {**classifier.classify(image.file).as_dict(), "path": image.filename}
    if prediction["detail"].startswith("several pages"):
        prediction["detail"] = "several pages: send each as an image of its own"
    return prediction
