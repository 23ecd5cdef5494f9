"""Captions: consent first, one request per different photo, small copies without metadata, and no photo in the store."""

from __future__ import annotations

import base64
import io
import json

import pytest
from PIL import Image

from kec_core.errors import InputError, LLMError
from kec_core.llm.answer_cache import MemoryCache
from kec_core.llm.captions import Caption, caption_photos, estimate_captions
from kec_core.llm.client import LLMClient
from kec_core.llm.cost import Meter, Price
from kec_core.llm.prompts import PHOTO_TOKENS
from kec_core.photos.images import ImageRecord, scan_images
from tests.llm_fakes import FAST, endpoint
from tests.llm_server import LLMServer, Reply, error


def photo_in(body):
    """The photo that a request carries."""
    address = body["messages"][1]["content"][1]["image_url"]["url"]
    kind, data = address.split(",")
    assert kind == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def seeing(body, attempt=1):
    """Names the colour in the middle of the photo."""
    photo = photo_in(body)
    red, green, blue = photo.getpixel((photo.width // 2, photo.height // 2))
    name = max((red, "red"), (green, "green"), (blue, "blue"))[1]
    return Reply(content=json.dumps({"caption": f"A plain {name} wall in daylight."}))


class Server(LLMServer):
    """Counts by photo, since the case is no text here."""

    def enter(self, body, headers):
        flat = [{**m, "content": m["content"][1]["image_url"]["url"]} for m in body["messages"][1:2]]
        with self.lock:
            self.in_flight += 1
            self.bodies.append(body)
            self.asked[flat[0]["content"]] += 1
            return self.asked[flat[0]["content"]]


@pytest.fixture
def photos(tmp_path):
    for name, colour in (("a", "red"), ("b", "green"), ("c", "blue")):
        Image.new("RGB", (900, 600), colour).save(tmp_path / f"{name}.jpg", exif=_exif())
    (tmp_path / "d copy of a.jpg").write_bytes((tmp_path / "a.jpg").read_bytes())
    return scan_images(tmp_path).images, tmp_path


def _exif():
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    return exif


def client_of(server, cache=None, **options):
    return LLMClient(endpoint(server.url), MemoryCache() if cache is None else cache, FAST, **options)


def test_nothing_is_sent_without_consent(photos):
    images, root = photos
    with (
        Server(seeing) as server,
        pytest.raises(InputError, match=r"send every photo to http.*nobody has agreed"),
    ):
        caption_photos(client_of(server), images, root, consent=False)
    assert server.requests == 0


def test_each_different_photo_is_asked_about_once_and_kept_without_its_pixels(photos):
    images, root = photos
    cache, told = MemoryCache(), []
    with Server(seeing) as server:
        captions = caption_photos(
            client_of(server, cache), images, root, consent=True, progress=lambda *step: told.append(step)
        )
        assert [c.text for c in captions] == [
            f"A plain {name} wall in daylight" for name in ("red", "green", "blue", "red")
        ]
        assert (server.requests, set(server.asked.values())) == (3, {1})
        sent = photo_in(server.bodies[0])
        again = caption_photos(client_of(server, cache), images, root, consent=True)
        assert (again, server.requests) == (captions, 3)
    assert (max(sent.size), sent.getexif().get(0x010E)) == (512, None)
    assert told[-1] == (3, 3, "captions")
    kept = "".join([*cache.replies.values(), *(str(meta) for meta in cache.meta.values())])
    assert "base64" not in kept
    assert "[photo]" in kept


def test_a_photo_that_cannot_be_read_has_no_caption(photos):
    images, root = photos
    (root / images[0].id).write_bytes(b"gone bad")
    with Server(seeing) as server:
        captions = caption_photos(client_of(server), images[:3], root, consent=True)
    assert captions[0].text == ""
    assert captions[0].reason
    assert [c.text for c in captions[1:]] == [f"A plain {n} wall in daylight" for n in ("green", "blue")]


def test_a_model_that_sees_no_photos_is_told_by_the_first_one(photos):
    images, root = photos
    with Server(lambda body, attempt: error(400, "image input is not supported")) as server:
        with pytest.raises(
            LLMError, match=r"first photo: HTTP 400: image input is not supported.*takes photos"
        ):
            caption_photos(client_of(server), images, root, consent=True)
        assert len(server.asked) == 1


def test_one_failure_among_others_is_told_and_long_answers_are_cut(photos):
    images, root = photos

    def moody(body, attempt):
        said = json.loads(seeing(body).content)["caption"]
        if "green" in said:
            return Reply(content='{"caption": "No."}')
        return Reply(content=json.dumps({"caption": "word " * 60})) if "blue" in said else seeing(body)

    cache = MemoryCache()
    with Server(moody) as server:
        first, second, third, _ = caption_photos(client_of(server, cache), images, root, consent=True)
        asked = server.requests
        caption_photos(client_of(server, cache), images, root, consent=True)
        assert server.requests == asked
    assert first.reason == ""
    assert second == Caption(text="", reason="asked twice, but a sentence about the photo was asked for")
    assert len(third.text.split()) == 40


def test_the_estimate_reads_no_photo_and_counts_each_once():
    records = [ImageRecord(id=f"{i}.jpg", width=9, height=9, sha256=f"{i % 2}", mode="RGB") for i in range(4)]
    with Server(seeing) as server:
        client = client_of(server, meter=Meter(price=Price(prompt=1.0, completion=1.0)))
        estimate = estimate_captions(client, records)
        assert server.requests == 0
    assert (estimate.calls, estimate.cached, estimate.completion_tokens) == (2, 0, 90)
    assert 2 * PHOTO_TOKENS < estimate.prompt_tokens < 2 * (PHOTO_TOKENS + 200)
    assert estimate.money == (estimate.prompt_tokens + 90) / 1e6


def test_no_photos_no_requests(tmp_path):
    with Server(seeing) as server:
        assert caption_photos(client_of(server), (), tmp_path, consent=True) == []
