"""Keys in a real browser: none acts on the page behind what is open; the field of what opens is ready to be written in."""

import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from kec_core.knowledge.edits import RenameConcept
from kec_core.knowledge.unique_names import unique_names
from state.revisions import revisions
from state.work.workbench import LiveStates, Workbench
from tests.browser import open_browser, open_window, rest

pytestmark = [pytest.mark.browser, pytest.mark.weights]


class Window:
    """A window of the app, and the project behind it."""

    def __init__(self, page, address, project) -> None:
        self.page, self.address, self.project = page, address, project
        self.opened = ""

    def open(self, place, until):
        """At a page with nothing open and no field written in; it is loaded anew only where the test before left more."""
        if self.dialog().count():
            self.page.keyboard.press("Escape")
            self.dialog().wait_for(state="hidden")
            self.rest()
        is_field = "() => document.activeElement.matches('input, textarea')"
        if self.opened != place or self.page.evaluate(is_field):
            self.page.goto(f"{self.address}/{place}")
            self.page.get_by_text(until).first.wait_for()
        self.opened = place
        self.rest()

    def rest(self):
        """Until the page is drawn."""
        rest(self.page)

    def focused(self):
        """What is written in: label and text."""
        return self.page.evaluate("() => [document.activeElement.ariaLabel, document.activeElement.value]")

    def wait_for_field(self, label):
        """Until the field with this label (or that begins so) is written in, all its text selected."""
        self.page.wait_for_function(
            "label => { const one = document.activeElement; return one.ariaLabel?.startsWith(label)"
            " && one.selectionEnd - one.selectionStart === one.value.length; }",
            arg=label,
        )

    def heading(self):
        """Name of the concept that is looked at."""
        return self.page.locator("h3").nth(1).inner_text()

    def names(self):
        """Names of all concepts, in the order in which J goes through them."""
        knowledge = revisions.current(self.project).knowledge
        shown = unique_names(knowledge)
        return [shown[concept.id] for concept in knowledge.concepts]

    def state(self):
        """What keys could have changed."""
        self.rest()
        shown = revisions.current(self.project)
        heading = self.page.locator("h3").first.inner_text()
        address = urlsplit(self.page.url)
        query = dict(parse_qsl(address.query))
        query.pop("concept_side", None)  # the panel follows the key that opens the dialog
        return shown.id, len(revisions.history(self.project)), address.path, query, heading

    def dialog(self):
        return self.page.get_by_role("dialog")


@pytest.fixture(scope="module")
def window(shared_app):
    project = shared_app.add_project("keys")
    with open_browser() as browser:
        yield Window(open_window(browser), shared_app.address, project)


@pytest.fixture
def concepts(window):
    window.open("concepts?project=keys", "What is typical")
    return window


@pytest.fixture
def cluster(window):
    window.opened = ""  # loaded anew each time: photos stay picked
    window.open("clusters?project=keys&cluster=0", "All clusters")
    window.page.locator(".pick").nth(2).wait_for()
    return window


def test_words_typed_at_once_after_the_key_go_into_the_name(concepts):
    before, words = concepts.state(), "yearly road sign"
    concepts.page.keyboard.type(f"e{words}")  # without waiting for the dialog
    concepts.page.wait_for_function("text => document.activeElement.value === text", arg=words)
    assert concepts.state() == before


@pytest.mark.parametrize(
    ("key", "label", "words"),
    [
        ("e", "Name", "yearly road sign"),
        ("a", "Phrase to test", "delicate wings"),
        ("Shift+A", "Name", "ljkzgs1 word"),
        ("s", "Name of part 1", "glass ladle"),
        ("f", "Find a concept", "ljkz"),
        ("w", "What matters to you", "ljkzy"),
    ],
)
def test_words_in_a_dialog_change_nothing_but_its_field(concepts, key, label, words):
    before = concepts.state()
    concepts.page.keyboard.press(key)
    concepts.wait_for_field(label)
    concepts.page.keyboard.type(words)
    concepts.page.wait_for_function("text => document.activeElement.value === text", arg=words)
    assert concepts.state() == before
    assert concepts.focused()[1] == words


@pytest.mark.parametrize(
    ("key", "label"), [("f", "Find a concept"), ("w", "What matters to you"), ("e", "Name")]
)
def test_a_key_pressed_while_the_page_is_drawn_acts_when_it_can(concepts, key, label):
    page = concepts.page
    page.reload()
    page.locator("[data-keyboard=ready]").wait_for(state="attached")  # long before the last widget
    page.keyboard.press(key)
    concepts.wait_for_field(label)


def test_each_key_acts_on_what_the_one_before_led_to(concepts):
    order = concepts.names()
    here = order.index(concepts.heading())
    concepts.page.keyboard.type("jjj")
    concepts.page.get_by_role("heading", name=order[(here + 3) % len(order)], exact=True).wait_for()
    concepts.page.keyboard.type("kk")
    concepts.page.get_by_role("heading", name=order[(here + 1) % len(order)], exact=True).wait_for()
    before = revisions.current(concepts.project)
    bench = Workbench(concepts.project, LiveStates())
    for number in range(9):  # each waited 10 s for a run that had begun already: the last ones were given up
        bench.commit(
            bench.preview([RenameConcept(concept=before.knowledge.concepts[0].id, name=f"name {number}")])
        )
    concepts.page.keyboard.type("j")
    concepts.page.get_by_text(revisions.current(concepts.project).id, exact=True).first.wait_for()
    concepts.page.keyboard.type("z" * 9, delay=60)
    concepts.page.get_by_text(before.id, exact=True).first.wait_for()
    assert concepts.state()[0] == before.id


def test_a_key_pressed_while_a_dialog_closes_acts_when_it_is_gone(concepts):
    names = concepts.names()
    following = names[(names.index(concepts.heading()) + 1) % len(names)]
    concepts.page.keyboard.press("e")
    concepts.wait_for_field("Name")
    concepts.dialog().get_by_role("button", name="Cancel").click()
    concepts.page.keyboard.press("j")  # the dialog goes when the page has been drawn anew
    concepts.page.get_by_role("heading", name=following, exact=True).wait_for()
    assert concepts.dialog().count() == 0


def test_a_key_pressed_behind_a_dialog_that_stays_is_forgotten(concepts):
    page = concepts.page
    names = concepts.names()
    following = names[(names.index(concepts.heading()) + 1) % len(names)]
    page.keyboard.press("s")
    concepts.wait_for_field("Name of part 1")
    before = concepts.state()
    concepts.dialog().get_by_role("radio", name="3").click()
    page.keyboard.type("jkl")
    concepts.dialog().get_by_label("Name of part 3").wait_for()
    assert concepts.state() == before
    page.keyboard.press("Escape")
    concepts.dialog().wait_for(state="hidden")
    assert concepts.state() == before
    page.keyboard.press("j")  # had the keys above waited, they would act before this one
    page.get_by_role("heading", name=following, exact=True).wait_for()
    assert (concepts.state()[0], concepts.dialog().count()) == (before[0], 0)


def test_keys_do_nothing_while_the_list_of_keys_is_open(concepts):
    page = concepts.page
    page.get_by_role("button", name=re.compile("^Lock")).click()  # something that Z would take back
    page.get_by_role("button", name="Unlock").wait_for()
    before = concepts.state()
    page.keyboard.press("h")
    concepts.dialog().get_by_text("Everywhere").wait_for()
    for words in ("z", "yjkls1", "Z"):
        page.keyboard.type(words)
        page.keyboard.press("Delete")
        assert concepts.state() == before
    page.keyboard.press("Escape")
    concepts.dialog().wait_for(state="hidden")
    page.keyboard.press("z")  # the same key acts once nothing is open
    page.get_by_role("button", name="Unlock").wait_for(state="hidden")
    concepts.rest()
    assert revisions.current(concepts.project).id != before[0]


def wait_for_focus(page, button):
    """Until the Tab key goes on from this button."""
    page.wait_for_function(f"() => document.activeElement.matches('.st-key-{button} button')")


@pytest.mark.parametrize("leave", ["Escape", "Cancel", "Save"])
def test_the_focus_is_at_the_button_whose_key_opened_a_dialog(concepts, leave):
    page = concepts.page
    page.mouse.click(5, 5)  # nothing has the focus
    page.keyboard.press("e")
    concepts.wait_for_field("Name")
    if leave == "Escape":
        page.keyboard.press("Escape")
    elif leave == "Cancel":
        concepts.dialog().get_by_role("button", name="Cancel").click()
    else:
        page.keyboard.type("after a dialog")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="after a dialog", exact=True).wait_for()
    concepts.dialog().wait_for(state="hidden")
    wait_for_focus(page, "concept_rename")
    if leave == "Save":
        page.keyboard.press("z")
        page.get_by_role("heading", name="after a dialog", exact=True).wait_for(state="hidden")


def test_the_photos_of_a_preview_are_one_stop_of_tab_and_arrows_walk_them(concepts):
    page = concepts.page
    page.mouse.click(5, 5)
    page.keyboard.press("s")
    concepts.wait_for_field("Name of part 1")
    concepts.rest()
    galleries = concepts.dialog().locator(".kec-gallery").all()
    assert galleries
    for gallery in galleries:
        photos = gallery.locator("button")
        assert photos.count() > 1
        assert gallery.locator('[tabindex="0"]').count() == 1
        photos.first.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function("one => one === document.activeElement", arg=photos.nth(1).element_handle())
    page.keyboard.press("Escape")
    concepts.dialog().wait_for(state="hidden")
    wait_for_focus(page, "concept_split")


def test_delete_mutes_though_its_button_does_not_say_so(concepts):
    page = concepts.page
    unmute = page.get_by_role("button", name="Unmute")
    said = page.locator(".st-key-concept_mute").inner_text()
    assert "Mute" in said
    assert "Delete" not in said  # "Mute Delete" beside "Delete" read as two
    page.keyboard.press("Delete")
    unmute.wait_for()
    concepts.rest()
    page.keyboard.press("z")
    unmute.wait_for(state="hidden")


def test_words_in_a_popover_change_nothing_but_its_field(cluster):
    page = cluster.page
    page.locator(".pick").nth(0).click()
    page.get_by_text("1 photo picked").wait_for()
    before = cluster.state()
    page.get_by_role("button", name="New concept").click()
    page.keyboard.type("dejected")
    page.wait_for_function("() => document.activeElement.value === 'dejected'")
    assert cluster.focused()[0] == "Name of the concept"
    assert cluster.state() == before
    assert page.get_by_label("Name of this cluster").count() == 0


def test_other_popovers_and_menus_stop_keys_too(cluster):
    page = cluster.page
    page.locator(".pick").nth(0).click()
    for name in ("Move to concept", "Saved selections"):
        page.get_by_text("1 photo picked").wait_for()
        before = cluster.state()
        page.get_by_role("button", name=name).click()
        cluster.dialog().wait_for()
        page.keyboard.type("jked")
        page.keyboard.press("Backspace")
        assert cluster.state() == before
        page.mouse.click(5, 5)  # beside it: Escape would do it too, and a second one unpicks
        cluster.dialog().wait_for(state="hidden")
        cluster.rest()


def test_keys_act_at_once_after_a_double_click_on_a_photo(cluster):
    """It picks and unpicks, so no run follows that the keys could wait for."""
    page = cluster.page
    page.locator(".pick").nth(0).dblclick()
    page.wait_for_function("() => document.documentElement.dataset.kecPicking === undefined")
    page.keyboard.press("g")
    cluster.dialog().get_by_text("Merge", exact=True).first.wait_for()


def test_escape_closes_the_enlarged_photo_and_nothing_else(cluster):
    page = cluster.page
    for nth in (0, 1):
        page.locator(".pick").nth(nth).click()
    page.get_by_text("2 photos picked").wait_for()
    cluster.rest()
    before = cluster.state()
    page.locator(".tile").nth(0).hover()
    page.locator(".zoom").nth(0).click()
    large = page.locator(".large").first
    large.wait_for()
    page.keyboard.type("jed")
    page.keyboard.press("Escape")
    large.wait_for(state="hidden")
    assert cluster.state() == before
    assert page.get_by_text("2 photos picked").count()
    page.keyboard.press("Escape")
    page.get_by_text("2 photos picked").wait_for(state="hidden")


def test_save_and_cancel_are_there_at_once_and_enter_saves(concepts):
    page, project = concepts.page, concepts.project
    before = concepts.state()
    page.keyboard.press("e")
    concepts.wait_for_field("Name")
    for name in ("Save", "Cancel"):
        assert concepts.dialog().get_by_role("button", name=name).is_visible()
    page.keyboard.type("never kept")
    concepts.dialog().get_by_role("button", name="Cancel").click()
    concepts.dialog().wait_for(state="hidden")
    assert concepts.state() == before
    page.keyboard.press("e")
    concepts.wait_for_field("Name")
    page.keyboard.type("saved by Enter")
    page.wait_for_function("() => document.activeElement.value === 'saved by Enter'")
    concepts.rest()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="saved by Enter", exact=True).wait_for()
    concepts.dialog().wait_for(state="hidden")
    assert "saved by Enter" in [one.name for one in revisions.current(project).knowledge.concepts]
    assert len(revisions.history(project)) == before[1] + 1


def test_a_list_is_looked_at_before_ctrl_enter_takes_it(window):
    window.open("clusters?project=keys", "Sort into my list")
    page, project = window.page, window.project
    before = revisions.current(project).id
    page.get_by_role("button", name="Sort into my list").click()
    window.dialog().wait_for()
    page.keyboard.type("red\nblue")
    page.wait_for_function("() => document.activeElement.value === 'red\\nblue'")
    window.rest()
    page.keyboard.press("Control+Enter")
    window.dialog().get_by_text("would move").wait_for()
    window.rest()
    assert revisions.current(project).id == before
    page.keyboard.press("Control+Enter")
    window.dialog().wait_for(state="hidden")
    window.rest()
    assert revisions.get(project, revisions.current(project).id).parent == before


def test_words_and_enter_typed_before_the_field_is_there_are_saved(concepts):
    page = concepts.page
    page.keyboard.press("e")
    page.keyboard.type("typed at once")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="typed at once", exact=True).wait_for()
    concepts.dialog().wait_for(state="hidden")
    assert "typed at once" in concepts.names()


def test_ctrl_enter_saves_from_the_description(concepts):
    page = concepts.page
    page.keyboard.press("e")
    concepts.wait_for_field("Name")
    concepts.dialog().get_by_label("Description").fill("a plain picture of one colour")
    page.keyboard.press("Control+Enter")
    concepts.dialog().wait_for(state="hidden")
    concepts.rest()
    described = [one.description for one in revisions.current(concepts.project).knowledge.concepts]
    assert "a plain picture of one colour" in described
