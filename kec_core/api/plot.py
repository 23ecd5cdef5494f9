"""The map of a result, drawn with plotly for notebooks."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from kec_core.api.input import EmbeddedPhotos
from kec_core.arrays import FloatMatrix, IntVector
from kec_core.errors import InputError
from kec_core.live import LiveState
from kec_core.maps.layout import FEWEST, NEIGHBOURS, lay_out
from kec_core.maps.neighbours import find_neighbours
from kec_core.photos.images import open_image, thumbnail

if TYPE_CHECKING:
    import plotly.graph_objects as go

MOST_PICTURES = 150
"""More would hide each other, and make a notebook heavy: about 2 kB each."""
_SIDE = 64  # of a picture, in pixels
_SHARE = 0.05  # of the width of the map that a picture takes


def draw_map(state: LiveState, names: Mapping[int, str], photos: EmbeddedPhotos) -> go.Figure:
    """Every photo a point, coloured by its group; small pictures of some, spread evenly over the groups.

    Args:
        state: whose photos.
        names: of the groups, by label.
        photos: of the state.
    """
    import colorcet
    import plotly.graph_objects as go

    fused, labels = state.fused(), np.asarray(state.clustering.labels)
    near = find_neighbours(fused, NEIGHBOURS, seed=state.collection.seed) if len(fused) >= FEWEST else None
    places = lay_out(fused, "umap", near, seed=state.collection.seed)
    figure = go.Figure()
    for label, name in names.items():
        rows = np.flatnonzero(labels == label)
        figure.add_scatter(
            x=places[rows, 0],
            y=places[rows, 1],
            mode="markers",
            name=f"{name} ({len(rows)})",
            text=[photos.files[row] for row in rows],
            hovertemplate="%{text}<extra>%{fullData.name}</extra>",
        )
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False, scaleanchor="x")
    figure.update_layout(
        images=_pictures(places, labels, photos),
        template="plotly_white",
        height=640,
        colorway=colorcet.b_glasbey_category10,  # the default has ten colours
    )
    return figure


def _pictures(places: FloatMatrix, labels: IntVector, photos: EmbeddedPhotos) -> list[dict[str, object]]:
    """Layout images of plotly for some photos; none for features without photos, or of files that are gone."""
    if photos.root is None:
        return []
    size = _SHARE * float(np.ptp(places, axis=0).max())
    pictures = []
    for row in _spread(labels):
        try:
            image = open_image(photos.root / photos.files[row], min_side=_SIDE)
        except InputError:  # a map is of use without this picture
            continue
        source = f"data:image/jpeg;base64,{base64.b64encode(thumbnail(image, _SIDE)).decode('ascii')}"
        x, y = places[row].tolist()
        pictures.append(
            {
                "source": source,
                "xref": "x",
                "yref": "y",
                "x": x,
                "y": y,
                "sizex": size,
                "sizey": size,
                "xanchor": "center",
                "yanchor": "middle",
            }
        )
    return pictures


def _spread(labels: IntVector) -> list[int]:
    """At most ``MOST_PICTURES`` rows: the first of each group, then the second of each, and so on."""
    order = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[order], labels[order])
    turn = np.arange(len(labels)) - starts
    chosen: list[int] = order[np.argsort(turn, kind="stable")][:MOST_PICTURES].tolist()
    return chosen
