"""Projects page: welcome, cards, new project, demo, projects elsewhere; nothing of them is taken for HTML."""

import shutil
from contextlib import nullcontext

from streamlit.testing.v1 import AppTest

from pages.projects import verbs
from pages.shared import session
from state.project.project import Project
from state.work import warm_up
from state.workspace.workspace import OpenProjects, Workspace
from tests.page_helpers import SCRIPT, TIMEOUT, app, shown, visit


def test_without_projects_it_welcomes_and_offers_the_two_ways_to_begin(empty_home):
    page = app()
    assert "Welcome" in shown(page)
    assert {"open_demo_first", "new_first"} <= {button.key for button in page.button}


def test_the_demo_says_how_to_get_it_when_it_is_not_there(empty_home):
    page = app()
    assert page.button(key="open_demo_first").disabled
    assert "kec setup --demo" in shown(page)


def test_the_demo_opens_by_itself_when_there_is_no_other_project_and_only_once(colours):
    colours.folder.rename(colours.folder.with_name("demo"))
    page = app()
    assert page.query_params["project"] == "demo"
    assert page.title[0].value == "Clusters"
    assert visit(page, "projects").title[0].value == "Your photo projects"


def test_nothing_is_done_in_advance_before_the_demo_is_drawn(colours, monkeypatch):
    done = []
    monkeypatch.setattr(warm_up, "start", lambda: done.append(session.project()))
    monkeypatch.setattr(warm_up, "open_project", lambda _states, project, _shown: done.append(project))
    name = colours.name
    colours.folder.rename(colours.folder.with_name("demo"))
    app()
    assert [project and project.name for project in done] == [name] * 2


def test_who_came_to_another_page_first_gets_the_projects_not_the_demo(colours):
    colours.folder.rename(colours.folder.with_name("demo"))
    page = AppTest.from_file(str(SCRIPT), default_timeout=TIMEOUT)
    page.session_state["kec_first_page"] = "settings"
    assert page.run().title[0].value == "Your photo projects"
    assert "project" not in page.query_params


def test_beside_other_projects_the_demo_is_opened_when_it_is_asked_for(colours):
    shutil.copytree(colours.folder, colours.folder.with_name("demo"))
    page = app()
    assert "Welcome" not in shown(page)
    page.button(key="welcome").click().run()
    assert "Welcome" in shown(page)
    page.button(key="open_demo_first").click().run()
    assert not page.exception
    assert page.query_params["project"] == "demo"


def test_a_project_is_renamed_duplicated_deleted_and_restored(colours, monkeypatch):
    monkeypatch.setattr(verbs.st, "popover", lambda *_, **__: _Open())
    page = app()
    page.text_input(key="rename_colours").set_value("Paints *new*").run()
    page.button(key="rename_do_colours").click().run()
    assert Project(colours.folder).name == "Paints *new*"
    page.button(key="duplicate_colours").click().run()
    copy = Project.open(colours.folder.with_name("paints-new-copy"))
    assert (copy.name, len(copy.images())) == ("Paints *new* copy", 50)
    page.button(key="delete_colours").click().run()
    assert not colours.folder.exists()
    assert {"open_paints-new-copy", "restore_0"} <= {button.key for button in page.button}
    page.button(key="restore_0").click().run()
    assert Project(colours.folder).name == "Paints *new*"
    assert not page.exception


def test_an_empty_name_is_refused_and_the_old_one_stays(colours, monkeypatch):
    monkeypatch.setattr(verbs.st, "popover", lambda *_, **__: _Open())
    page = app()
    page.text_input(key="rename_colours").set_value(" ").run()
    page.button(key="rename_do_colours").click().run()
    assert "needs a name" in page.error[0].value
    assert Project(colours.folder).name == "Colours"


def test_a_project_elsewhere_is_taken_off_the_list_and_its_folder_stays(colours, tmp_path, monkeypatch):
    monkeypatch.setattr(verbs.st, "popover", lambda *_, **__: _Open())
    there = tmp_path / "copied"
    colours.folder.rename(there)
    opened = OpenProjects(Workspace(images_roots=[tmp_path]))
    key = opened.add(there)
    page = app()
    page.button(key=f"forget_{key}").click().run()
    assert opened.cards() == ()
    assert Project.is_project(there)


class _Open(nullcontext):
    open = True


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
    page.text_input(key="new_name").set_value("Sea <b>birds</b>")
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
    for _ in range(2):  # the damaged file is kept aside at the first look
        assert not page.exception
        assert len(page.error) == 1
        assert "damaged" in page.error[0].value
        assert "open_colours" in {button.key for button in page.button}
        page.run()


def test_an_address_that_names_no_project_says_so(empty_home):
    assert "There is no project" in app(project="nothing").error[0].value
