"""Photos of many makes for tests, and what a scan says of them."""

from __future__ import annotations

import io

import numpy as np

from kec_core.photos.images import open_image, scan_images
from tests import photos

JPEG = b"\xff\xd8\xff\xe0"


def warnings_of(folder):
    return {image.id: image.warning for image in scan_images(folder).images}


def reasons(folder):
    return {item.path: item.reason for item in scan_images(folder).skipped}


def accounted(report):
    return len(report.images) + len(report.skipped) + sum(report.others.values())


def pixel(path, place=(0, 0)):
    return open_image(path).getpixel(place)


def jpeg(image=None, **options) -> bytes:
    buffer = io.BytesIO()
    (image or photos.gradient()).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def profile(red, green, blue, gamma=2.2, name="Wide"):
    """A minimal ICC profile of three primaries (CIE xy, white D50) and a gamma."""
    white = np.array([0.9642, 1.0, 0.8249])
    columns = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in (red, green, blue)]).T
    matrix = columns * np.linalg.solve(columns, white)

    def fixed(*numbers):
        return b"".join(round(number * 65536).to_bytes(4, "big", signed=True) for number in numbers)

    text = name.encode()
    tags = {
        b"desc": b"desc\0\0\0\0" + (len(text) + 1).to_bytes(4, "big") + text + b"\0" * 80,
        b"wtpt": b"XYZ \0\0\0\0" + fixed(*white),
        **{key: b"XYZ \0\0\0\0" + fixed(*matrix[:, i]) for i, key in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))},
        **{
            key: b"curv\0\0\0\0\0\0\0\1" + int(gamma * 256).to_bytes(2, "big") + b"\0\0"
            for key in (b"rTRC", b"gTRC", b"bTRC")
        },
    }
    table, body = len(tags).to_bytes(4, "big"), b""
    for key, value in tags.items():
        table += key + (132 + 12 * len(tags) + len(body)).to_bytes(4, "big") + len(value).to_bytes(4, "big")
        body += value + b"\0" * (-len(value) % 4)
    head = bytearray(128)
    head[8:12], head[12:24], head[36:40] = b"\2\x40\0\0", b"mntrRGB XYZ ", b"acsp"
    head[68:80] = fixed(0.9642, 1.0, 0.8249)
    head[:4] = (128 + len(table) + len(body)).to_bytes(4, "big")
    return bytes(head) + table + body


WIDE = profile((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001), 1.8)
