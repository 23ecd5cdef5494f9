"""Colours of clusters: seen on the ground of each theme, told apart by every kind of sight, never grey, and steady."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest

from pages.shared.palette import DARK, LIGHT, MUTED, cluster_colour, theme

THEME = tomllib.loads((Path(__file__).parents[1] / ".streamlit" / "config.toml").read_text())["theme"]
# Machado, Oliveira, Fernandes 2009, severity 1.0, on linear RGB
SIGHT = {
    "full": np.eye(3),
    "no red cones": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "no green cones": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "no blue cones": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
TO_CONES = [
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
]
TO_LAB = [
    [0.2104542553, 0.7936177850, -0.0040720468],
    [1.9779984951, -2.4285922050, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.8086757660],
]


def linear(*colours):
    rgb = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in colours]) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def oklab(rgb):
    return np.cbrt(np.clip(rgb, 0, 1) @ np.transpose(TO_CONES)) @ np.transpose(TO_LAB)


def contrast(one, other):
    low, high = sorted(linear(colour)[0] @ [0.2126, 0.7152, 0.0722] for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


PALETTES = {"light": LIGHT, "dark": DARK}
GROUNDS = ("backgroundColor", "secondaryBackgroundColor")


def test_a_hundred_clusters_have_a_hundred_colours_that_stay():
    assert [len(set(palette)) for palette in PALETTES.values()] == [100, 100]
    assert cluster_colour(0) == "light-dark(#1e78b4, #5aa5e1)"
    assert cluster_colour(100) == cluster_colour(0)


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("theme", PALETTES)
def test_every_colour_is_seen_on_the_ground_of_its_theme(theme, ground):
    assert min(contrast(colour, THEME[theme][ground]) for colour in [*PALETTES[theme], MUTED]) >= 3


@pytest.mark.parametrize("dark", [False, True])
def test_numbers_can_be_read_in_the_palest_and_the_strongest_cell(dark):
    colours = theme(dark=dark)
    assert min(contrast(colours.text, cell) for cell in (colours.faint, colours.strong)) >= 4.5


def test_the_two_shades_of_a_cluster_are_of_like_hue():
    light, dark = (oklab(linear(*palette)) for palette in PALETTES.values())
    turn = np.arctan2(light[:, 2], light[:, 1]) - np.arctan2(dark[:, 2], dark[:, 1])
    assert np.abs((turn + np.pi) % (2 * np.pi) - np.pi).max() <= np.radians(60)


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("theme", PALETTES)
@pytest.mark.parametrize(("clusters", "apart"), [(12, 0.063), (20, 0.05), (50, 0.0279), (100, 0.02)])
def test_colours_are_told_apart_by_every_sight(theme, sight, clusters, apart):
    seen = oklab(linear(*PALETTES[theme][:clusters]) @ np.transpose(SIGHT[sight]))
    distances = np.linalg.norm(seen[:, None] - seen[None], axis=2) + 9 * np.eye(clusters)
    assert distances.min() >= (2 * apart if sight == "full" else apart) - 1e-4


@pytest.mark.parametrize("theme", PALETTES)
def test_no_cluster_looks_muted(theme):
    grey, *colours = oklab(linear(MUTED, *PALETTES[theme]))
    assert np.hypot(*grey[1:]) < 0.02
    assert min(np.hypot(*colour[1:]) for colour in colours) > 0.05
