"""One person puts groups right in a real browser; each step is said, seen and undone."""

import re

import pytest

from state.revisions import revisions
from state.revisions.audits import answers
from tests.browser import rest
from tests.browser_groups import groups_in_browser
from tests.page_helpers import set_near_copies

pytestmark = [pytest.mark.browser, pytest.mark.weights]
NAMES = ("oak", "ash", "elm")
MOST_CLICKS = 20
SENTENCE = " ".join(["a photo of something that"] * 7)
MOST_LINE = 110
"""Pixels that the line about the latest edit may take of the window."""


@pytest.fixture(scope="module")
def site(shared_app, compact_encoder):
    with groups_in_browser(shared_app, "groups") as groups:
        yield groups


@pytest.fixture
def groups(site):
    """At all groups; the first journeys take back what they did."""
    site.open()
    return site


def test_groups_are_put_right_and_each_step_is_taken_back(groups):
    page, first = groups.page, groups.now()

    for nth in (0, 1):
        page.locator('[class*="st-key-tick_"] button').nth(nth).click()
        page.get_by_text(f"{nth + 1} ticked").wait_for()
        rest(page)
    page.keyboard.press("g")
    groups.said("^Merged .+ in one group")
    merged = groups.now()
    page.get_by_text(groups.count(merged)).wait_for()
    assert len(set(merged.values())) == len(set(first.values())) - 1
    groups.undo(first)
    page.get_by_text(groups.count(first)).wait_for()

    card = page.locator('[class*="st-key-card_"]').first
    card.click(position={"x": 40, "y": 40})
    page.locator(".st-key-cluster_split").wait_for()
    rest(page)
    here = int(re.search(r"cluster=(\d+)", page.url).group(1))

    page.keyboard.press("s")
    page.get_by_role("dialog").get_by_text("Part 2").wait_for()
    rest(page)
    assert groups.now() == first
    page.get_by_role("dialog").get_by_role("button", name="Split", exact=True).click()
    groups.said("^Split .+ into 2 groups")
    split = groups.now()
    assert len(set(split.values())) == len(set(first.values())) + 1
    assert {first[image] for image in first if split[image] != first[image]} == {here}
    groups.undo(first)

    picked = groups.pick(5)
    page.keyboard.press("1")
    groups.said("^Moved 5 photos to .+ 5 photos moved")
    moved = groups.now()
    assert {image for image in first if moved[image] != first[image]} == picked
    assert len({moved[image] for image in picked}) == 1
    assert "5 photos moved" in groups.latest()
    page.get_by_role("button", name="See", exact=True).click()
    page.get_by_role("dialog").get_by_text(re.compile("^5 photos from")).wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="hidden")
    rest(page)
    groups.undo(first)

    picked = groups.pick(6)
    page.get_by_role("button", name="New group").click()
    page.get_by_label("Name of the group").fill("mine")
    page.keyboard.press("Enter")
    groups.said("^Made the group .mine. of 6 photos")
    page.get_by_label("Name of the group").wait_for(state="hidden")
    made = groups.now()
    assert len({made[image] for image in picked}) == 1
    assert not {made[image] for image in picked} & set(first.values())
    groups.undo(first)

    photo = page.locator(".pick").first
    name = photo.get_attribute("title")
    photo.drag_to(page.locator('[class*="st-key-group_move_"]').nth(1))
    groups.said("^Moved 1 photo to")
    dragged = groups.now()
    assert [image for image in first if dragged[image] != first[image]] == [name]
    groups.undo(first)

    page.keyboard.press("Backspace")
    page.get_by_text(groups.count(first)).wait_for()
    rest(page)
    page.go_back()
    page.locator(".st-key-cluster_split").wait_for()


FOCUSED = """() => { let one = document.activeElement; while (one.shadowRoot?.activeElement) one = one.shadowRoot.activeElement;
    return one.ariaLabel || one.title || one.innerText; }"""


def tab_to(page, *begins):
    """Press Tab until what has the focus is called so; returns its name."""
    for _ in range(80):
        page.keyboard.press("Tab")
        name = page.evaluate(FOCUSED)
        if name.startswith(begins):
            return name
    raise AssertionError(f"Tab does not lead to {begins}")


def wait_for_focus(page, name):
    page.wait_for_function(f"name => ({FOCUSED})().includes(name)", arg=name)
    rest(page)


def test_groups_are_put_right_with_keys_alone(groups):
    page, states = groups.page, [groups.now()]

    def has_done(words):
        groups.said(words)
        states.append(groups.now())

    for count in (1, 2):
        tab_to(page, "Tick ")
        page.keyboard.press("Space")
        page.get_by_text(f"{count} ticked").wait_for()
        rest(page)
    page.keyboard.press("g")
    has_done("^Merged")

    opened = tab_to(page, "Open ")
    page.keyboard.press("Enter")
    wait_for_focus(page, "All clusters")
    page.keyboard.press("s")
    page.get_by_role("dialog").get_by_role("button", name="Split", exact=True).wait_for()
    rest(page)
    page.keyboard.press("Control+Enter")
    has_done("into 2 groups")
    page.get_by_role("dialog").wait_for(state="hidden")

    photos = [one.get_attribute("title") for one in page.locator(".pick").all()]
    assert tab_to(page, *photos) == photos[0]
    page.keyboard.press("Control+ArrowRight")  # the browser's own keys lead to no other photo
    for step in range(5):
        page.keyboard.press("Enter")
        if step < 4:
            page.keyboard.press("ArrowRight")
    page.get_by_text("5 photos picked").wait_for()
    rest(page)
    page.keyboard.press("1")
    has_done("^Moved 5 photos")
    assert {one for one in photos if states[-1][one] != states[-2][one]} == set(photos[:5])
    page.wait_for_function(f"left => left.includes(({FOCUSED})())", arg=photos[5:])  # Tab goes on from there

    field = page.get_by_role("textbox", name="Name of this cluster")
    for typed in ("not this", "by hand"):
        page.keyboard.press("e")
        field.wait_for()
        rest(page)
        page.keyboard.type(typed)
        if typed == "not this":
            page.keyboard.press("Escape")
            field.wait_for(state="hidden")
            rest(page)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="by hand", exact=True).wait_for()
    rest(page)
    page.keyboard.press("Backspace")
    wait_for_focus(page, "Open by hand")
    assert opened != "Open by hand"
    for wanted in (states[-1], *reversed(states[:-1])):
        groups.undo(wanted)


@pytest.mark.parametrize("by", ["key", "button"])
def test_photos_picked_in_a_hurry_all_move(groups, by):
    page, first = groups.page, groups.now()
    page.locator('[class*="st-key-card_"]').first.click(position={"x": 40, "y": 40})
    page.locator(".st-key-cluster_split").wait_for()
    rest(page)
    photos = page.locator(".pick")
    for number, pause_ms in enumerate((0, 400, 0)):  # the first two are sent while the third is picked
        page.wait_for_timeout(pause_ms)
        photos.nth(number).click()
    if by == "key":
        page.keyboard.press("1")
    else:
        page.locator('[class*="st-key-group_move_"] button').first.click()
    groups.said("^Moved 3 photos")
    moved = groups.now()
    assert sum(moved[image] != first[image] for image in first) == 3
    groups.undo(first)


def test_what_is_found_by_words_becomes_a_group_and_all_is_sorted_into_a_list(groups):
    page, first = groups.page, groups.now()

    page.keyboard.press("/")
    page.keyboard.type("red")
    page.keyboard.press("Enter")
    page.get_by_text("Photos that “red” fits best").wait_for()
    page.get_by_text("best 20", exact=True).click()
    page.get_by_text("20 photos", exact=True).wait_for()
    rest(page)
    found = groups.pick_all_found()
    page.get_by_role("button", name="New group").click()
    page.get_by_label("Name of the group").fill("reddish")
    page.get_by_role("button", name=re.compile("^Make a group of")).click()
    groups.said("^Made the group .reddish.")
    made = groups.now()
    assert len(found) == 20
    assert len({made[image] for image in found}) == 1
    assert "reddish" in groups.names()
    groups.undo(first)

    page.locator(".pick").first.hover()
    page.locator(".zoom").first.click()
    like = page.locator(".large p").inner_text()
    page.get_by_role("button", name="More like this").click()
    page.get_by_text(f"Photos like {like}").wait_for()
    rest(page)
    assert like not in {one.get_attribute("title") for one in page.locator(".pick").all()}

    groups.open()
    page.get_by_role("button", name="Sort into my list").click()
    names = page.get_by_label("Names, one per line")
    names.wait_for()
    rest(page)
    names.fill(f"red\ngreen\nblue\n{SENTENCE}")
    page.keyboard.press("Tab")
    page.get_by_role("dialog").get_by_text("would move").wait_for()
    assert groups.now() == first
    page.get_by_role("dialog").get_by_role("button", name="Sort the photos").click()
    groups.said("^Sorted 50 photos by your list")
    assert groups.names() <= {"red", "green", "blue", SENTENCE, "none of these"}
    assert page.locator(".st-key-latest_edit").bounding_box()["height"] < MOST_LINE
    page.get_by_text(groups.count(groups.now())).wait_for()
    groups.undo(first)


def test_twenty_answers_by_keys_are_where_they_were_put_and_the_last_is_undone(groups):
    page = groups.page
    page.get_by_role("button", name="Ask me").click()
    asked = page.locator(".kec-judged img")
    for _ in range(20):
        photo = asked.get_attribute("alt")
        page.keyboard.press("1")
        page.wait_for_function(
            "old => { const now = document.querySelector('.kec-judged img'); return now && now.alt !== old; }",
            arg=photo,
        )
    page.get_by_text("95 % interval").wait_for()
    now = revisions.current(groups.project)
    told = answers(groups.project, now)
    put = {image: wish.cluster for wish in now.knowledge.constraints for image in wish.images}
    assert len(told) == 20
    assert set(put) == {one.image for one in told}
    labels = groups.now()
    assert {image: labels[image] for image in put} == put
    page.locator(".st-key-undo button").first.click()
    page.wait_for_function(
        "image => document.querySelector('.kec-judged img')?.alt === image", arg=told[-1].image
    )
    assert len(answers(groups.project, revisions.current(groups.project))) == 19
    rest(page)


def test_a_stack_of_near_copies_opens_with_a_key_and_moves_as_a_whole(groups):
    page, first = groups.page, groups.now()
    page.locator('[class*="st-key-card_"]').first.click(position={"x": 40, "y": 40})
    photos = page.locator(".pick")
    photos.first.wait_for()
    rest(page)
    names = [one.get_attribute("title") for one in photos.all()]
    copies = [names[0], names[2], names[3]]
    set_near_copies(groups.project, [copies])
    groups.open()
    page.go_back()
    page.locator(".stack").wait_for()
    rest(page)
    assert photos.count() == len(names) - 2
    assert photos.first.get_attribute("title") == f"{names[0]} and 2 near-copies"

    photos.first.focus()
    page.keyboard.press("o")
    page.locator(".opened").first.wait_for()
    rest(page)
    assert [photos.nth(n).get_attribute("title") for n in range(3)] == copies
    page.locator(".stack").click()
    page.locator(".stacked").wait_for()
    rest(page)

    groups.click(photos.first)
    page.get_by_text("3 photos picked").wait_for()
    page.get_by_text("1 without near-copies ·").wait_for()
    rest(page)
    page.keyboard.press("1")
    groups.said("^Moved 3 photos to")
    moved = groups.now()
    assert {image for image in first if moved[image] != first[image]} == set(copies)
    groups.undo(first)
    page.get_by_text("Stack near-copies").click()
    page.locator(".stacked").wait_for(state="detached")
    rest(page)
    set_near_copies(groups.project, [])


def test_two_groups_merged_one_split_five_photos_moved_three_named_and_exported(groups):
    page, first = groups.page, groups.now()
    places = len(set(first.values()))
    groups.clicks = 0
    for nth in (0, 1):
        groups.click(page.locator('[class*="st-key-tick_"] button').nth(nth))
        page.get_by_text(f"{nth + 1} ticked").wait_for()
        rest(page)
    groups.click(page.get_by_role("button", name=re.compile("^Merge 2")))
    groups.said("^Merged .+ in one group")
    page.get_by_text(groups.count(groups.now())).wait_for()
    assert len(set(groups.now().values())) == places - 1

    groups.click(page.locator('[class*="st-key-card_"]').first, position={"x": 40, "y": 40})
    groups.click(page.locator(".st-key-cluster_split button").first)
    page.get_by_role("dialog").get_by_text("Part 2").wait_for()
    rest(page)
    groups.click(page.get_by_role("dialog").get_by_role("button", name="Split", exact=True))
    groups.said("^Split .+ into 2 groups")
    before = groups.now()
    assert len(set(before.values())) == places

    picked = groups.pick(5)
    groups.click(page.locator('[class*="st-key-group_move_"] button').first)
    groups.said("^Moved 5 photos to")
    moved = groups.now()
    assert {image for image in before if moved[image] != before[image]} == picked

    for number, name in enumerate(NAMES):
        if number:
            groups.click(page.locator(".st-key-cluster_next button").first)
            page.get_by_role("heading", name=NAMES[number - 1]).wait_for(state="hidden")
            rest(page)
        groups.click(page.locator(".st-key-cluster_rename button").first)
        field = page.get_by_role("textbox", name="Name of this cluster")
        field.wait_for()
        rest(page)
        field.fill(name)
        page.keyboard.press("Enter")
        page.get_by_role("heading", name=name).wait_for()
        rest(page)
    assert set(NAMES) <= groups.names()
    assert groups.now() == moved

    groups.click(page.get_by_role("link", name="Export"))
    page.locator(".st-key-export_write button").wait_for()
    rest(page)
    groups.click(page.locator(".st-key-export_write button"))
    page.get_by_text("The folder is written.").first.wait_for()
    written = {folder.name for folder in (groups.project.folder / "export").rglob("*") if folder.is_dir()}
    assert set(NAMES) <= written
    assert groups.clicks <= MOST_CLICKS
