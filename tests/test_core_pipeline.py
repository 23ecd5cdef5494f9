from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from kec_core.arrays import no_progress
from kec_core.clustering import whitening
from kec_core.clustering.metrics import score
from kec_core.config import (
    ClusteringConfig,
    GroundingConfig,
    KnowledgeConfig,
    MappingConfig,
    RunConfig,
)
from kec_core.encoders.text_cache import TextCache
from kec_core.errors import Cancelled, InputError
from kec_core.knowledge.wordnet_builder import WordNetBuilder
from kec_core.methods.kec import ground_photos
from kec_core.methods.prepare import prepare
from kec_core.photos.images import scan_images
from kec_core.stages import Hooks, Resources, Runner, embed_photos, groups, pipeline, words
from kec_core.stages.table import STAGES
from kec_core.store import FolderStore
from kec_core.types import Concept, Constraint, Knowledge
from kec_core.wordnet.vocabulary import domain_vocabulary
from tests.fakes import COLOURS, VOCABULARY, FirstNounBuilder, HashEncoder

CONFIG = RunConfig(n_clusters=4, mapping=MappingConfig(beta=0.9))


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Forty plain photos, ten near each of four colours."""
    root = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for name, rgb in COLOURS.items():
        for number in range(10):
            colour = np.clip(np.array(rgb) + rng.normal(0, 12, 3), 0, 255).astype(np.uint8)
            Image.fromarray(np.tile(colour, (12, 12, 1))).save(root / f"{name}{number}.png")
    return root


@pytest.fixture
def resources(tmp_path):
    return Resources(
        encoder=HashEncoder(),
        vocabulary=VOCABULARY,
        builder=FirstNounBuilder(),
        text_cache=TextCache(tmp_path / "text.db"),
    )


def run(photos, resources, store, config=CONFIG, **options):
    return pipeline.run(scan_images(photos).images, photos, resources, config, store, **options)


def truth_of(result):
    return np.array([sorted(COLOURS).index(name[:-5]) for name in result.embeddings.ids], dtype=np.int32)


def test_planted_colours_are_found_with_their_names(photos, resources, tmp_path):
    result = run(photos, resources, FolderStore(tmp_path / "store"))
    assert score(result.clustering.labels, truth_of(result)).acc == 1.0
    assert {concept.name for concept in result.knowledge.concepts} <= set(COLOURS)
    assert len(result.knowledge.uni) == 2 * len(result.knowledge.concepts)
    np.testing.assert_allclose(result.grounding.omega.sum(axis=1), 1, rtol=1e-5, atol=1e-6)
    assert [report.stage for report in result.reports] == [
        s for s in STAGES if s not in ("estimate", "looks", "second")
    ]
    assert result.skipped == ()


def test_a_second_run_reuses_everything_and_an_option_redoes_what_follows_it(photos, resources, tmp_path):
    store = FolderStore(tmp_path / "store")
    first = run(photos, resources, store)
    assert not any(report.reused for report in first.reports)
    again = run(photos, resources, store)
    assert all(report.reused for report in again.reports)
    np.testing.assert_array_equal(first.clustering.labels, again.clustering.labels)
    changed = run(
        photos,
        resources,
        store,
        RunConfig(n_clusters=4, mapping=MappingConfig(beta=0.9), knowledge=KnowledgeConfig(uni=1)),
    )
    redone = [report.stage for report in changed.reports if not report.reused]
    assert redone == ["attributes", "vectors", "ground", "weight", "cluster"]
    weighed = run(
        photos,
        resources,
        store,
        RunConfig(n_clusters=4, mapping=MappingConfig(beta=0.9), clustering=ClusteringConfig(weight=0.3)),
    )
    assert [report.stage for report in weighed.reports if not report.reused] == ["cluster"]


def test_other_constraints_are_another_clustering(photos, resources, tmp_path):
    store = FolderStore(tmp_path / "store")
    ids = run(photos, resources, store).embeddings.ids
    for pair in ((ids[0], ids[-1]), (ids[0], ids[20])):
        keep = Knowledge(constraints=(Constraint(id="k001", kind="together", images=pair),))
        labels = dict(zip(ids, run(photos, resources, store, keep=keep).clustering.labels, strict=True))
        assert labels[pair[0]] == labels[pair[1]]


def test_weight_zero_is_plain_kmeans(photos, resources, tmp_path):
    config = RunConfig(n_clusters=4, clustering=ClusteringConfig(weight=0.0))
    result = run(photos, resources, FolderStore(tmp_path / "store"), config)
    np.testing.assert_array_equal(result.clustering.labels, result.baseline.labels)


def test_photos_that_open_but_do_not_decode_are_listed_and_rows_stay_aligned(photos, resources, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for path in photos.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    records = scan_images(folder).images
    broken = records[7]
    (folder / broken.id).write_bytes(b"gone bad after the scan")
    result = pipeline.run(records, folder, resources, CONFIG, FolderStore(tmp_path / "store"))
    assert [item.path for item in result.skipped] == [broken.id]
    assert result.embeddings.ids == tuple(r.id for r in records if r is not broken)
    assert len(result.clustering.labels) == len(result.embeddings.features) == 39
    assert score(result.clustering.labels, truth_of(result)).acc == 1.0


def test_a_cancelled_run_goes_on_with_the_finished_stages(photos, resources, tmp_path):
    store = FolderStore(tmp_path / "store")
    started = []

    def stop_while_naming(_done, _total, label):
        if label == "Naming concepts":
            raise Cancelled("stopped by the person")

    with pytest.raises(Cancelled):
        run(photos, resources, store, hooks=Hooks(progress=stop_while_naming, on_start=started.append))
    assert started[-1] == "concepts"
    resumed = run(photos, resources, store)
    reused = {report.stage for report in resumed.reports if report.reused}
    assert reused == {"embed", "copies", "baseline", "overcluster", "nouns", "components"}


def test_locked_and_user_made_concepts_survive_a_rebuild(photos, resources, tmp_path):
    mine = Concept(id="c041", name="my colour", description="the one I like", source="user")
    keep = Knowledge(concepts=(mine, Concept(id="c002", name="old automatic", source="wordnet")), last_id=41)
    result = run(photos, resources, FolderStore(tmp_path / "store"), keep=keep)
    ids = [concept.id for concept in result.knowledge.concepts]
    assert replace(result.knowledge.by_id["c041"], group="") == mine  # the automatic tree holds it too
    assert "old automatic" not in {concept.name for concept in result.knowledge.concepts}
    assert len(set(ids)) == len(ids)
    assert all(int(i[1:]) > 41 for i in ids if i != "c041")


@pytest.mark.parametrize("k", [0, 41])
def test_an_impossible_number_of_clusters_is_refused_with_an_offer(photos, resources, tmp_path, k):
    with pytest.raises(
        InputError, match=rf"between 1 and the number of photos \(40\), but {k} was asked for; choose 6"
    ):
        run(photos, resources, FolderStore(tmp_path / "store"), RunConfig(n_clusters=k))


def test_the_number_of_clusters_is_estimated_and_explained(photos, resources, tmp_path):
    result = run(
        photos, resources, FolderStore(tmp_path / "store"), RunConfig(mapping=MappingConfig(beta=0.9))
    )
    assert 2 <= result.clustering.n_clusters <= 8
    assert any("estimate" in report.stage for report in result.reports)
    assert result.notes


@pytest.mark.parametrize("mode", ["scaled", "raw", "literal_unit"])
def test_every_grounding_mode_runs_through(photos, resources, tmp_path, mode):
    config = RunConfig(n_clusters=4, grounding=GroundingConfig(mode=mode))
    result = run(photos, resources, FolderStore(tmp_path / "store"), config)
    assert np.isfinite(result.grounding.kappa).all()


class CentringEncoder(HashEncoder):
    def __init__(self):
        super().__init__()
        defaults = replace(self.info.defaults, centre=True)
        self.info = replace(self.info, revision="centring", defaults=defaults)


@pytest.mark.parametrize("mode", ["scaled", "raw"])
def test_a_comparison_of_methods_grounds_as_the_run_does(photos, resources, tmp_path, mode):
    resources = replace(resources, encoder=CentringEncoder())
    config = RunConfig(n_clusters=4, grounding=GroundingConfig(mode=mode))
    store = FolderStore(tmp_path / "store")
    result = run(photos, resources, store, config)
    runner = Runner(store, Hooks())
    embedded = embed_photos(runner, scan_images(photos).images, photos, resources.encoder)
    inputs, _ = prepare(
        runner, embedded, resources, config, 4, needs={"knowledge"}, knowledge=result.knowledge
    )
    found = ground_photos(inputs, inputs.test, inputs.grounding, no_progress)
    np.testing.assert_allclose(found.kappa, result.grounding.kappa, rtol=1e-5, atol=1e-5)


def test_no_readable_photo_is_one_sentence(resources, tmp_path, photos):
    records = scan_images(photos).images[:2]
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="Of 2 photos none could be read"):
        pipeline.run(records, empty, resources, CONFIG, FolderStore(tmp_path / "store"))


def test_photos_that_were_encoded_before_are_not_encoded_again(photos, resources, tmp_path, monkeypatch):
    folder = tmp_path / "photos"
    folder.mkdir()
    names = sorted(path.name for path in photos.iterdir())
    for name in names[:-2]:
        (folder / name).write_bytes((photos / name).read_bytes())
    store = FolderStore(tmp_path / "store")
    run(folder, resources, store)
    (folder / names[0]).unlink()
    for name in names[-2:]:
        (folder / f"aa {name}").write_bytes((photos / name).read_bytes())
    seen = []
    encode = HashEncoder.encode_images
    monkeypatch.setattr(
        HashEncoder, "encode_images", lambda self, p: (seen.append(len(p)), encode(self, p))[1]
    )
    mixed = run(folder, resources, store)
    assert sum(seen) == 2
    assert mixed.reports[0].summary["encoded"] == 2
    alone = run(folder, resources, FolderStore(tmp_path / "fresh"))
    assert mixed.embeddings.ids == alone.embeddings.ids
    np.testing.assert_allclose(mixed.embeddings.features, alone.embeddings.features, rtol=1e-5, atol=1e-6)


def test_many_photos_are_clustered_by_whitened_looks(photos, resources, tmp_path, monkeypatch):
    for module in (whitening, groups):
        monkeypatch.setattr(module, "FEWEST", 40)
    store = FolderStore(tmp_path / "store")
    result = run(photos, resources, store)
    assert result.looks.shape == (40, 10)
    assert result.clustering.centroids.shape[1] == 10 + result.x.shape[1]
    assert score(result.clustering.labels, truth_of(result)).acc == 1.0
    plain = run(photos, resources, store, replace(CONFIG, clustering=ClusteringConfig(whiten=False)))
    np.testing.assert_array_equal(plain.looks, plain.x)
    assert "looks" not in {report.stage for report in plain.reports}
    assert plain.cluster_key != result.cluster_key


def test_concepts_that_were_stored_before_lists_named_them_as_written_are_made_anew(
    photos, resources, tmp_path, tiny_wordnet, monkeypatch
):
    store = FolderStore(tmp_path / "store")
    listed = replace(
        resources,
        vocabulary=(),
        domain=domain_vocabulary("Dogs\nlorry\ncats\ntowers", tiny_wordnet),
        builder=WordNetBuilder(tiny_wordnet, named_by="words"),
        wordnet=tiny_wordnet,
    )
    without = run(photos, resources, store)
    with monkeypatch.context() as before:
        before.setattr(words, "NAMES_REVISION", "as the dictionary has them")
        before.setattr(words, "_as_the_person_says", lambda knowledge, *_: knowledge)
        old = run(photos, listed, store)
        assert run(photos, resources, store).reports[-1].reused
    assert {concept.name for concept in old.knowledge.concepts} == {"dog", "lorry", "cat", "tower"}
    new = run(photos, listed, store)
    assert {concept.name for concept in new.knowledge.concepts} == {"Dogs", "lorry", "cats", "towers"}
    assert keys_of(run(photos, resources, store)) == keys_of(without)


def keys_of(result):
    return [report.fingerprint for report in result.reports]
