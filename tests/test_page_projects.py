"""Projects page: welcome, cards, new project, demo, projects elsewhere; nothing of them is taken for HTML."""

from state.project.project import Project
from tests.page_helpers import app, shown


def test_without_projects_it_welcomes_and_offers_the_two_ways_to_begin(empty_home):
    page = app()
    assert "Welcome" in shown(page)
    assert {"open_demo_first", "new_first"} <= {button.key for button in page.button}


def test_the_demo_says_how_to_get_it_when_it_is_not_there(empty_home):
    page = app()
    page.button(key="open_demo_first").click().run()
    assert "kec setup --demo" in page.info[0].value


def test_the_demo_opens_when_it_is_there(colours):
    colours.folder.rename(colours.folder.with_name("demo"))
    page = app()
    page.button(key="open_demo").click().run()
    assert not page.exception


def test_a_card_shows_counts_and_photos(colours):
    text = shown(app())
    assert "50 photos · 4 clusters · r1" in text
    assert text.count("/thumb/colours/") == 4


def test_open_leads_to_the_clusters_of_that_project(colours):
    page = app()
    page.button(key="open_colours").click().run()
    assert not page.exception
    assert page.query_params["project"] == "colours"
    assert page.title[0].value == "Clusters"


def test_a_new_project_is_made_and_opened(empty_home):
    page = app()
    page.text_input(key="new_name").set_value("Sea <b>birds</b>").run()
    page.button(key="new_create").click().run()
    assert not page.exception
    assert Project(empty_home / "sea-b-birds-b").name == "Sea <b>birds</b>"
    assert page.title[0].value == "Data"


def test_a_first_project_needs_no_name(empty_home):
    page = app()
    page.button(key="new_first").click().run()
    assert not page.exception
    assert Project(empty_home / "my-photos").name == "My photos"


def test_a_project_elsewhere_is_opened_by_its_folder(colours, tmp_path):
    colours.folder.rename(tmp_path / "copied")
    page = app()
    page.text_input(key="open_folder").set_value(str(tmp_path / "copied")).run()
    page.button(key="open_folder_go").click().run()
    assert not page.exception
    assert page.title[0].value == "Clusters"


def test_a_folder_that_may_not_be_read_is_refused_in_one_sentence(empty_home):
    page = app()
    page.text_input(key="open_folder").set_value("/etc").run()
    page.button(key="open_folder_go").click().run()
    assert "lies outside the folders this program may read" in page.error[0].value.replace("\\", "")


def test_a_damaged_project_is_listed_with_its_problem_and_the_others_stay(colours):
    (colours.folder.parent / "bad").mkdir()
    (colours.folder.parent / "bad" / "project.db").write_bytes(b"no database" * 100)
    page = app()
    assert not page.exception
    assert len(page.error) == 1
    assert "open_colours" in {button.key for button in page.button}


def test_an_address_that_names_no_project_says_so(empty_home):
    assert "There is no project" in app(project="nothing").error[0].value
