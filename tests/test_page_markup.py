"""The HTML that pages show: everything foreign is text, numbers read well, states are said in words."""

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pages.shared import markup, scores
from state.revisions.scoring import WITH_LABELS, WITHOUT_LABELS

HOSTILE = "<img src=x onerror=alert(1)>\"'&.jpg"


class Tags(HTMLParser):
    """Collects tags, attributes and the text a reader sees."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.seen = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.seen += data


def parse(html: str) -> Tags:
    tags = Tags()
    tags.feed(html)
    tags.close()
    return tags


def test_gallery_shows_a_hostile_name_as_text_and_points_only_at_its_thumbnail():
    tags = parse(
        markup.gallery(
            [
                markup.Tile(
                    src="/thumb/p/ab/256.jpg", alt=HOSTILE, large="/thumb/p/ab/768.jpg", caption=HOSTILE
                )
            ]
        )
    )
    images = [attributes for tag, attributes in tags.tags if tag == "img"]
    assert [i["src"] for i in images] == ["/thumb/p/ab/256.jpg", "/thumb/p/ab/768.jpg"]
    assert all(i["alt"] == HOSTILE and i["loading"] == "lazy" for i in images)
    assert not any(name.startswith("on") for _, attributes in tags.tags for name in attributes)
    assert tags.seen.count(HOSTILE) == 2


@given(st.text(max_size=40), st.sampled_from(["title", "chip", "fact", "empty", "rail"]))
@settings(max_examples=60, deadline=None)
def test_any_text_comes_out_as_the_same_text(value, place):
    value = value.replace("\r", "")
    makers = {
        "title": lambda: markup.card_text(value, []),
        "chip": lambda: markup.chips([value]),
        "fact": lambda: markup.facts([("n", value, "")]),
        "empty": lambda: markup.empty("t", value),
        "rail": lambda: markup.rail([markup.Node(name=value, state="fresh", line="x", tip="")]),
    }
    tags = parse(makers[place]())
    assert value.replace("\x00", "") in tags.seen.replace("\x00", "")
    assert {tag for tag, _ in tags.tags} <= {
        "div",
        "span",
        "ul",
        "ol",
        "li",
        "dl",
        "dt",
        "dd",
        "h3",
        "p",
        "i",
        "b",
    }


def test_file_names_that_are_no_text_still_show():
    assert markup.text("caf\udce9.jpg") == "caf\\udce9.jpg"
    assert markup.plain("caf\udce9") == "caf\\\\udce9"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("*bold* _x_", r"\*bold\* \_x\_"),
        ("[a](http://b)", "\\[a\\]\\(http\\:\u2060\\/\\/b\\)"),
        (":smile: $x$", "\\:\u2060smile\\:\u2060 \\$x\\$"),
        ("line\nbreak <b>", "line break \\<b\\>"),
        ("www.example.org", "www\u2060\\.example\\.org"),
    ],
)
def test_labels_lose_their_markdown(value, expected):
    assert markup.plain(value) == expected


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "<0.1 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1 min 0 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
    ],
)
def test_durations_read_at_a_glance(seconds, words):
    assert markup.duration(seconds) == words


def test_counts_know_their_plural():
    assert [markup.count(1, "photo"), markup.count(1284, "photo"), markup.count(2, "box", "boxes")] == [
        "1 photo",
        "1,284 photos",
        "2 boxes",
    ]


ACCURACY, OVERLAP = WITH_LABELS[0], WITHOUT_LABELS[1]


def seen(metric, ours, baseline):
    return parse(scores.table([(metric, ours, baseline)])).seen


def test_score_panel_says_better_and_worse_in_words():
    assert "▲ +3.7 points" in seen(ACCURACY, 0.974, 0.937)
    worse = seen(ACCURACY, 0.84, 0.89)
    assert "▼ −5.0 points" in worse
    assert "worse" in worse
    assert "same" in seen(ACCURACY, 0.90001, 0.90002)


def test_differences_that_chance_makes_as_well_are_neither_better_nor_worse():
    for gap, words in ((0.004, "▲ +0.4 points · about the same"), (-0.009, "▼ −0.9 points · about the same")):
        assert markup.delta(gap, ".1%") == ("quiet", words)
    assert markup.delta(0.001, ".3f")[0] == "quiet"
    assert markup.delta(0.02, ".1%")[0] == "up"
    assert markup.delta(0.02, ".3f", higher_is_better=False)[0] == "down"
    assert markup.delta(0.2, ",.1f", size=45.8)[0] == "quiet"
    assert markup.delta(0.6, ",.1f", size=45.8)[0] == "up"
    assert markup.delta(0.0001, ".1%") == ("quiet", "same")


def test_score_panel_knows_scores_where_less_is_better_and_undefined_ones():
    less = seen(OVERLAP, 1.2, 1.5)
    assert "▲ −0.300" in less
    assert "better" in less
    assert "not defined" in seen(ACCURACY, None, 0.5)


def test_mosaic_fills_missing_photos_with_grey():
    tags = parse(markup.mosaic([markup.Tile(src="/a", alt="a")], cells=4))
    assert [tag for tag, _ in tags.tags] == ["div", "img", "span", "span", "span"]


def test_rail_says_the_state_when_there_is_no_line():
    seen = parse(markup.rail([markup.Node(name="Embed", state="stale", line="", tip="")])).seen
    assert seen == "Embedout of date"


def test_a_command_in_a_remark_does_not_break_inside_an_option():
    said = markup.note("kec edit PROJECT --script edits.json -- a non-option <b>")
    assert 'PROJECT <span class="kec-option">--script</span> edits.json -- a non-option &lt;b&gt;' in said
