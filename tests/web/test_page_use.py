"""How the page is used: drawing, dropping, pasting, the camera, a phone; and that it asks nobody for anything."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from batchdigits.files.sources import find
from tests.conftest import SAMPLES
from tests.review.test_page_look import faults as axe_faults
from tests.review.test_page_look import is_too_wide
from tests.web.conftest import Show
from tests.web.screen import FROM_BASE64, THREE, Screen

if TYPE_CHECKING:
    from playwright.sync_api import FilePayload

FOUR = SAMPLES / "digits/4/as-is.png"
# A camera that sees the digit in a picture, left and right of it nothing.
CAMERA = """picture => {
  const streams = [];
  window.stopped = () => streams.every(stream => stream.getTracks().every(track => track.readyState === "ended"));
  navigator.mediaDevices.getUserMedia = async () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 480 });
    const context = canvas.getContext("2d");
    streams.push(canvas.captureStream(20));
    const bitmap = await createImageBitmap(new Blob([(%s)(picture)]));
    setInterval(() => {
      context.fillRect(0, 0, 640, 480);
      context.drawImage(bitmap, 220, 140, 200, 200);
    }, 50);
    return streams.at(-1);
  };
}"""
# Whether the camera's digit is seen, whose ink is bright.
IS_SEEN = """() => {
  const context = Object.assign(document.createElement("canvas"), { width: 640, height: 480 }).getContext("2d");
  context.drawImage(video, 0, 0);
  return context.getImageData(0, 0, 640, 480).data.some((level, index) => index % 4 === 0 && level > 200);
}"""
# From now on an image of this name is decoded when `goOn` is called.
HOLD = """name => {
  const make = createImageBitmap;
  const held = Promise.withResolvers();
  window.isHeld = false;
  window.goOn = held.resolve;
  window.createImageBitmap = async (file, options) => {
    if (file.name === name) { window.isHeld = true; await held.promise; }
    return make(file, options);
  };
}"""


def picture(name: str = "a.png", content: bytes | None = None) -> FilePayload:
    """A file as a person chooses it; a 4 if no content is given."""
    return {"name": name, "mimeType": "image/png", "buffer": FOUR.read_bytes() if content is None else content}


def test_a_drawn_three_is_a_three(screen: Screen) -> None:
    screen.draw(THREE)
    screen.wait_answer("3 ok, score")
    assert screen.page.locator("#result").get_attribute("data-status") == "ok"
    assert screen.page.inner_text("#probabilities .top dt") == "3"
    screen.page.click("#clear")
    assert screen.answer.strip() == "\u2013"
    screen.draw([(0.5, 0.15), (0.5, 0.85)])
    screen.wait_answer("1 review, score")


def test_a_finger_draws_too_and_does_not_scroll(show: Show) -> None:
    screen = show(size=(360, 740), has_touch=True)
    screen.draw_with_finger(THREE)
    screen.wait_answer("3 ok, score")
    assert screen.page.evaluate("scrollY") == 0
    answer = screen.page.locator("#answer").bounding_box()
    assert answer and answer["y"] + answer["height"] <= 740  # in sight


def test_the_pad_takes_its_ink_for_dark_however_much_there_is(screen: Screen) -> None:
    for left, right in ((0.02, 0.44), (0.56, 0.98)):
        screen.draw([(x, row / 100) for row in range(2, 100, 6) for x in (left, right)])
    screen.wait_answer("blank")  # and not the 1 that is left white


def test_one_image_is_shown_with_its_glyph(screen: Screen) -> None:
    screen.page.set_input_files("#files", FOUR)
    screen.wait_answer("4 ok, score")
    assert screen.page.inner_text("#name") == "as-is.png"
    assert screen.page.locator("#picture").is_visible()
    assert not screen.page.locator("#several").is_visible()
    glyph = screen.page.evaluate("() => [...glyph.getContext('2d').getImageData(0, 0, 28, 28).data]")
    assert max(glyph[::4]) > 200 and glyph[0] == 0  # ink is bright on 0
    screen.page.set_input_files("#files", [picture(content=b"text")])
    screen.wait_answer("error: no image that this browser can read")
    assert not screen.page.locator("#picture").is_visible()


def test_a_folder_is_walked_in_natural_order_without_litter(screen: Screen, tmp_path: Path) -> None:
    folder = tmp_path / "scans"
    litter = ("b/._1.png", "a/.thumbnails/x.png", "__MACOSX/x.png", ".Trash-1000/x.png")
    for name in ("img10.png", "img2.png", "IMG1.png", "b/1.png", "a/x.png", ".hidden.png", "b.png", *litter):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(FOUR, folder / name)
    (folder / "notes.txt").write_text("no image")
    expected = [Path(path).relative_to(tmp_path).as_posix() for path in find([str(folder)])]
    assert len(expected) == 7
    screen.drop(folder)
    screen.wait()
    assert [row[0] for row in screen.rows] == expected
    assert screen.page.inner_text("#counts") == "7 ok; passed over, no images: 5"
    screen.drop(FOUR, folder)
    screen.page.locator("#several-title", has_text="8 of 8 images").wait_for()
    assert [row[0] for row in screen.rows] == ["as-is.png", *expected]
    screen.page.set_input_files("#folder", folder)
    screen.page.locator("#several-title", has_text="7 of 7 images").wait_for()
    assert [row[0] for row in screen.rows] == expected


def test_a_folder_is_walked_in_browsers_without_handles_of_files(
    screen: Screen, built_in_page: Path, faults: list[str], tmp_path: Path
) -> None:
    address = "http://localhost/digits.html"  # Chromium knows no entries on a page of a file
    screen.page.route(address, lambda route: route.fulfill(path=built_in_page))
    screen.page.goto(address)
    assert faults == [address]
    faults.clear()
    screen.page.unroute(address)
    screen.page.evaluate("() => { delete DataTransferItem.prototype.getAsFileSystemHandle }")
    for name in ("scans/b/2.png", "scans/1.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(FOUR, tmp_path / name)
    (tmp_path / "scans/notes.txt").write_text("no image")
    screen.drop(tmp_path / "scans", FOUR)
    screen.wait()
    assert [row[0] for row in screen.rows] == ["as-is.png", "scans/1.png", "scans/b/2.png"]


def test_of_a_folder_with_one_image_it_is_said_what_else_is_in_it(screen: Screen, tmp_path: Path) -> None:
    shutil.copy(FOUR, tmp_path / "4.png")
    (tmp_path / "notes.txt").write_text("no image")
    screen.drop(tmp_path)
    screen.wait()
    assert screen.page.inner_text("#counts") == "1 ok; passed over, no images: 1"


def test_a_folder_without_images_is_named(screen: Screen, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    screen.drop(tmp_path)
    screen.page.locator("#alert", has_text="no image").wait_for()


def test_an_image_can_be_pasted(screen: Screen) -> None:
    script = f"""picture => {{
      const clipboardData = new DataTransfer();
      clipboardData.items.add(new File([({FROM_BASE64})(picture)], "pasted.png", {{ type: "image/png" }}));
      document.body.dispatchEvent(new ClipboardEvent("paste", {{ clipboardData, bubbles: true }}));
    }}"""
    screen.page.evaluate(script, base64.b64encode(FOUR.read_bytes()).decode())
    screen.wait_answer("4 ok, score")
    assert screen.page.inner_text("#name") == "pasted.png"


def test_the_camera_gives_the_square_in_its_middle_and_is_switched_off(screen: Screen) -> None:
    take_picture(screen)
    screen.wait_answer("4 ok, score")
    assert screen.page.evaluate("stopped()")
    assert not screen.page.locator("#camera").is_visible()


def take_picture(screen: Screen) -> None:
    """Take a picture of a 4."""
    screen.page.evaluate(CAMERA % FROM_BASE64, base64.b64encode(FOUR.read_bytes()).decode())
    screen.page.click("#open-camera")
    screen.page.wait_for_function(IS_SEEN)
    screen.page.click("#take")


def test_two_clicks_switch_on_one_camera(screen: Screen) -> None:
    screen.page.evaluate(CAMERA % FROM_BASE64, base64.b64encode(FOUR.read_bytes()).decode())
    click = "() => document.querySelector('#open-camera').click()"
    for _ in range(2):  # it can be opened again
        screen.page.evaluate(f"() => {{ ({click})(); ({click})() }}")
        screen.page.click("#close-camera")
        screen.page.locator("#camera").wait_for(state="hidden")
        assert screen.page.evaluate("stopped()")


def test_a_camera_that_is_refused_is_named(screen: Screen) -> None:
    screen.page.evaluate("() => { navigator.mediaDevices.getUserMedia = async () => { throw new Error('denied') } }")
    screen.page.click("#open-camera")
    screen.page.locator("#alert", has_text="The camera cannot be used: denied").wait_for()


def test_a_row_of_the_table_is_shown_large(screen: Screen) -> None:
    screen.choose([picture("a.png"), picture("b.png", b"")])
    screen.page.click("text=a.png")
    screen.wait_answer("4 ok, score")
    screen.page.click("text=b.png")
    screen.wait_answer("error: empty file")
    assert screen.page.inner_text("#counts") == "1 ok, 1 error"


def test_the_image_that_was_asked_for_last_is_shown(screen: Screen) -> None:
    screen.choose([picture("a.png"), picture("b.png")])
    screen.page.evaluate(HOLD, "a.png")
    screen.page.click("text=a.png")
    screen.page.click("text=b.png")
    screen.page.locator("#name", has_text="b.png").wait_for()
    screen.page.evaluate("goOn()")
    screen.page.wait_for_timeout(300)
    assert screen.page.inner_text("#name") == "b.png"


def test_a_picture_and_clear_are_not_written_over_by_an_image_that_is_still_decoded(screen: Screen) -> None:
    screen.choose([picture("a.png"), picture("b.png")])
    for act, name in ((take_picture, "camera"), (lambda screen: screen.page.click("#clear"), "")):
        screen.page.evaluate(HOLD, "a.png")
        screen.page.click("text=a.png")
        act(screen)
        screen.page.locator("#camera").wait_for(state="hidden")
        screen.page.evaluate("goOn()")
        screen.page.wait_for_timeout(300)
        assert screen.page.inner_text("#name") == name


def test_what_was_chosen_last_is_shown_though_a_folder_is_still_read(screen: Screen, tmp_path: Path) -> None:
    script = """() => {
      const ask = DataTransferItem.prototype.getAsFileSystemHandle;
      const read = Promise.withResolvers();
      window.isRead = false;
      window.goOn = read.resolve;
      DataTransferItem.prototype.getAsFileSystemHandle = function () {
        window.isRead = true;
        const handle = ask.call(this);
        return read.promise.then(() => handle);
      };
    }"""
    screen.page.evaluate(script)
    for name in ("1.png", "2.png", "3.png"):
        shutil.copy(FOUR, tmp_path / name)
    screen.drop(tmp_path)
    screen.page.wait_for_function("() => isRead")
    screen.choose([picture("a.png"), picture("b.png")])
    screen.page.evaluate("goOn()")
    screen.page.wait_for_timeout(300)
    assert screen.page.inner_text("#several-title") == "2 of 2 images"


def test_an_unforeseen_error_costs_one_row(screen: Screen) -> None:
    script = """() => {
      const make = createImageBitmap;
      const broken = { width: 28, height: 28, close() {} };
      window.createImageBitmap = async (file, options) => (file.name === "b.png" ? broken : make(file, options));
    }"""
    screen.page.evaluate(script)
    screen.choose([picture("a.png"), picture("b.png"), picture("c.png")])
    assert [row[3] for row in screen.rows] == ["ok", "error", "ok"]
    assert screen.rows[1][4] == "cannot be classified (TypeError)"


def test_a_stopped_run_keeps_what_is_done_and_a_new_one_ends_it(screen: Screen) -> None:
    many = [picture(f"{number}.png") for number in range(200)]
    screen.page.evaluate(HOLD, "100.png")
    screen.page.set_input_files("#files", many)
    screen.page.wait_for_function("() => isHeld")
    screen.page.click("#stop")
    screen.page.evaluate("goOn()")
    screen.page.locator("#stop").wait_for(state="hidden")
    assert len(screen.rows) == 101
    assert screen.page.inner_text("#several-title") == "101 of 200 images"
    assert len(screen.download().splitlines()) == 1 + 101
    screen.page.evaluate(HOLD, "100.png")
    screen.page.set_input_files("#files", many)
    screen.page.wait_for_function("() => isHeld")
    screen.choose(many[:3])
    assert screen.page.inner_text("#several-title") == "3 of 3 images"
    screen.page.evaluate("goOn()")
    screen.page.wait_for_timeout(300)
    assert len(screen.rows) == 3


def test_an_image_with_too_many_pixels_is_refused(screen: Screen, tmp_path: Path) -> None:
    Image.new("1", (10_001, 10_000)).save(tmp_path / "huge.png")
    screen.page.set_input_files("#files", tmp_path / "huge.png")
    screen.wait_answer("error: too large: 10001x10000 pixels")


def test_the_policy_forbids_every_request(screen: Screen, faults: list[str]) -> None:
    policy = screen.page.locator("meta[http-equiv]").get_attribute("content")
    assert policy and policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-inline" not in policy and " http" not in policy and "'unsafe-eval'" not in policy
    assert faults == []
    script = "() => fetch('data:,x').then(() => 'answered', () => 'refused')"
    assert screen.page.evaluate(script) == "refused"
    assert len(faults) == 2 and all("Content Security Policy" in fault for fault in faults)
    faults.clear()


def test_the_card_is_behind_about(screen: Screen) -> None:
    screen.page.click("#about-button")
    assert "784-512-256-128-10, int8" in screen.page.inner_text("#facts")
    screen.page.click("#about summary")
    assert '"temperature"' in screen.page.inner_text("#card")
    screen.page.click("#close-about")
    assert not screen.page.locator("#about").is_visible()


def test_it_is_accessible_in_light_and_dark(show: Show) -> None:
    screen = show(bypass_csp=True)  # axe-core is a script of its own
    assert axe_faults(screen.page) == []
    screen.draw(THREE)
    blank = (SAMPLES / "broken/blank.png").read_bytes()
    screen.choose([picture("a.png"), picture("b.png", b""), picture("c.png", blank)])
    screen.page.click("text=a.png")
    screen.wait_answer("4 ok")
    assert axe_faults(screen.page) == []
    screen.page.click("#about-button")
    screen.page.click("#about summary")
    assert axe_faults(screen.page) == []
    screen.page.click("#close-about")
    screen.page.evaluate("() => { navigator.mediaDevices.getUserMedia = async () => new MediaStream() }")
    screen.page.click("#open-camera")
    assert axe_faults(screen.page) == []
    screen.page.click("#close-camera")
    screen.page.evaluate("() => { navigator.mediaDevices.getUserMedia = async () => { throw new Error('denied') } }")
    screen.page.click("#open-camera")
    screen.page.locator("#alert").wait_for()
    assert axe_faults(screen.page) == []


def test_a_phone_shows_everything_without_scrolling_sideways(show: Show) -> None:
    screen = show(size=(360, 740))
    assert not is_too_wide(screen.page)
    screen.choose([picture(f"{'long' * 30}.png"), picture("z.png", b"")])
    screen.page.locator("td button").first.click()
    screen.wait_answer("4 ok")
    assert not is_too_wide(screen.page)
    sizes = screen.page.eval_on_selector_all("main p button", "all => all.map(b => b.getBoundingClientRect().height)")
    assert min(size for size in sizes if size) >= 44
    screen.page.click("#about-button")
    assert not is_too_wide(screen.page)
