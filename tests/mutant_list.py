"""The mutants: a place in the program, what stands there instead, and the tests that must fail then."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """One small fault.

    Attributes:
        file: path below the root of the repository.
        old: a text that it holds exactly once.
        new: what stands there instead.
        tests: files or single tests, as pytest takes them.
    """

    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.file}: {self.old.strip().splitlines()[0]} -> {self.new.strip() or 'nothing'}"

    def put_into(self, text: str) -> str:
        """The file with the fault.

        Raises:
            ValueError: the place is not there, or there more than once.
        """
        if text.count(self.old) != 1:
            raise ValueError(f"{self.file} holds {self.old!r} {text.count(self.old)} times instead of once")
        return text.replace(self.old, self.new)


def _tests(*names: str) -> tuple[str, ...]:
    return tuple(f"tests/test_{name}.py" for name in names)


def _without(option: str) -> Mutant:
    """The key of a stage without one of the options that decide it."""
    return Mutant(
        "kec_core/stages/runner.py",
        "chosen = values_for(config, name).values()",
        f"chosen = [value for at, value in values_for(config, name).items() if at != {option!r}]",
        _tests("core_options"),
    )


MUTANTS = (
    # keys of stored results
    _without("mapping.alpha"),
    _without("mapping.collapse_guard"),
    _without("mapping.n_init"),
    _without("clustering.n_init"),
    _without("knowledge.guidance"),
    Mutant(
        "kec_core/stages/groups.py",
        "inputs = [ground_key, n_clusters, weight, *_wishes(knowledge), *filter(None, [looks_key])]",
        "inputs = [ground_key, n_clusters, weight, *filter(None, [looks_key])]",
        _tests("core_pipeline"),
    ),
    Mutant(
        "kec_core/stages/groups.py",
        "inputs = [ground_key, n_clusters, weight, *_wishes(knowledge), *filter(None, [looks_key])]",
        "inputs = [ground_key, n_clusters, *_wishes(knowledge), *filter(None, [looks_key])]",
        _tests("core_pipeline"),
    ),
    Mutant(
        "kec_core/config/option.py",
        "    seen = type(config)()\n",
        "    return config\n",
        _tests("core_options"),
    ),
    # ids
    Mutant(
        "kec_core/live/recluster.py",
        "first_new = max(old.next_cluster_id, *(1 + cluster for cluster in kept), 0)",
        "first_new = 0",
        _tests("core_live"),
    ),
    Mutant(
        "kec_core/live/recluster.py",
        "rows = max(first_new, 1 + max(ids.values()))",
        "rows = 1 + max(ids.values())",
        _tests("core_live"),
    ),
    Mutant(
        "kec_core/clustering/labels.py",
        "free = max(int(old.max()) + 1, first_new)",
        "free = int(old.max()) + 1",
        _tests("core_clustering"),
    ),
    Mutant(
        "kec_core/clustering/labels.py",
        "shared = counts[rows, columns] > 0",
        "shared = counts[rows, columns] >= 0",
        _tests("core_clustering"),
    ),
    Mutant(
        "kec_core/live/full.py",
        "for new in range(len(used) + max(kept)) if new not in kept",
        "for new in range(len(used) + max(kept))",
        _tests("core_edit_clusters"),
    ),
    # clusters
    Mutant(
        "kec_core/live/recluster.py",
        "found.objective * (1 + SWITCH_GAIN)",
        "found.objective * (1 - SWITCH_GAIN)",
        _tests("core_live"),
    ),
    Mutant("kec_core/live/recluster.py", "> BIG_CHANGE * larger", "> 2 * larger", _tests("core_live")),
    Mutant(
        "kec_core/live/full.py",
        "key=lambda one: one.objective)",
        "key=lambda one: -one.objective)",
        _tests("core_live"),
    ),
    Mutant(
        "kec_core/live/full.py",
        "config.words_start and weight > 0",
        "config.words_start",
        _tests("core_transduction", "core_weight", "core_pipeline"),
    ),
    Mutant(
        "kec_core/clustering/kmeans.py",
        "found.sort(key=lambda one: -one.objective)",
        "found.sort(key=lambda one: one.objective)",
        _tests("core_clustering"),
    ),
    Mutant(
        "kec_core/clustering/kmeans.py",
        "        centroids[empty[: len(worst)]] = l2_normalize(x[worst])\n",
        "",
        _tests("core_clustering"),
    ),
    Mutant(
        "kec_core/clustering/transduction.py",
        "    told -= told.mean(axis=0)\n",
        "",
        _tests("core_transduction"),
    ),
    Mutant(
        "kec_core/clustering/transduction.py",
        "key=lambda end: end.objective)",
        "key=lambda end: -end.objective)",
        _tests("core_transduction", "core_explaining"),
    ),
    Mutant(
        "kec_core/clustering/bursts.py",
        "return np.where(bursts >= 0, 1 / np.maximum(sizes, 1)[bursts], 1.0)",
        "return np.ones(len(bursts))",
        _tests("core_bursts"),
    ),
    Mutant(
        "kec_core/clustering/metrics.py",
        "one_to_one(padded)",
        "one_to_one(-padded)",
        _tests("core_metrics"),
    ),
    # knowledge
    Mutant(
        "kec_core/grounding/photos.py",
        "return encoders * (LEAST + sure * (MOST - LEAST))",
        "return encoders * (MOST - sure * (MOST - LEAST))",
        _tests("core_weight"),
    ),
    Mutant(
        "kec_core/grounding/photos.py",
        "    if vectors.prior is not None:\n        logits += vectors.prior\n",
        "",
        _tests("core_grounding", "core_guidance"),
    ),
    Mutant(
        "kec_core/grounding/photos.py",
        'return float(np.sqrt(dim)) if config.mode == "scaled" else 1.0',
        "return 1.0",
        _tests("core_grounding"),
    ),
    Mutant(
        "kec_core/grounding/photos.py",
        "x if operands.centre is None else x - operands.centre",
        "x",
        _tests("core_grounding"),
    ),
    Mutant(
        "kec_core/knowledge/pairs.py",
        "<= mass).sum(axis=1) + 1",
        "<= mass).sum(axis=1)",
        _tests("core_pairs"),
    ),
    Mutant(
        "kec_core/knowledge/pairs.py",
        "kept = pairs[: config.max_pairs_per_concept * len(phi)]",
        "kept = pairs",
        _tests("core_pairs"),
    ),
    Mutant(
        "kec_core/knowledge/construct.py",
        'c.locked or c.source == "user" or c.id in given)',
        'c.locked or c.source == "user")',
        _tests("core_construct", "core_edits", "state_run", "core_pipeline"),
    ),
    Mutant(
        "kec_core/knowledge/construct.py",
        "used = taken.union(kept)",
        "used = taken",
        _tests("core_construct"),
    ),
    Mutant(
        "kec_core/result/impact.py",
        'order = np.argsort(-counts, kind="stable")',
        'order = np.argsort(counts, kind="stable")',
        _tests("core_live", "state_workbench"),
    ),
    # language models
    Mutant(
        "kec_core/llm/transport.py",
        '        headers["retry-after-ms"] = f"{1000 * failure.wait:.0f}"\n',
        '        headers["retry-after-ms"] = f"{1000 * failure.wait * (response.status_code == 429):.0f}"\n',
        _tests("core_llm_client", "core_llm_quirks"),
    ),
    Mutant(
        "kec_core/llm/reading.py",
        "key=lambda place: (rejected[place], -place)",
        "key=lambda place: (rejected[place], place)",
        _tests("core_llm_replies", "core_llm_reading"),
    ),
    Mutant(
        "kec_core/llm/reading.py",
        "said = [] if closes else [*said, text[place : marker.start()]]",
        "said = [*said, text[place : marker.start()]]",
        _tests("core_llm_replies", "core_llm_reading"),
    ),
    Mutant(
        "kec_core/llm/answers.py",
        "if not most or most in _scripts(asked):",
        "if True:",
        _tests("core_llm_replies", "core_llm_odd_replies"),
    ),
    # photos, labels, tables
    Mutant(
        "kec_core/photos/bit_depths.py",
        "bits = next((bits for bits in _DEPTHS if low >= 0 and high <= 2**bits - 1), None)",
        "bits = 16",
        _tests("core_photo_pixels"),
    ),
    Mutant(
        "kec_core/photos/names.py",
        "if is_absolute or _folded(parts[start - 1]) == self._root",
        "if is_absolute",
        _tests("core_photo_kinds", "state_label_files", "core_readymade"),
    ),
    Mutant(
        "state/transfer/label_files.py",
        "        if len(ids) != 1:\n",
        "        if not ids:\n",
        _tests("state_label_files"),
    ),
    Mutant(
        "state/transfer/formats/tables.py",
        "if any(cell.strip() for cell in cells[len(header) :]):",
        "if False:",
        _tests("state_label_files"),
    ),
    Mutant(
        "state/transfer/csv_cells.py",
        "return _APOSTROPHE + cell if isinstance(cell, str) and cell.startswith(_ALSO_RISKY) else cell",
        "return cell",
        _tests("state_label_files"),
    ),
    # state
    Mutant(
        "state/work/rebuild.py",
        "clustering=replace(config.clustering, weight=knowledge.weight)",
        "clustering=config.clustering",
        _tests("state_finalise"),
    ),
    Mutant(
        "state/work/rebuild.py",
        "n_clusters=knowledge.n_clusters,",
        "",
        _tests("state_finalise"),
    ),
    Mutant(
        "state/project/integrity.py",
        "if kind not in _ROWS or _checksum(db, kind, number) != expected:",
        "if kind not in _ROWS:",
        _tests("state_recovery"),
    ),
    Mutant(
        "state/project/integrity.py",
        "if columns_of(db) != expected_columns():",
        "if False:",
        _tests("state_recovery"),
    ),
    Mutant(
        "state/revisions/revisions.py",
        "        if target not in path_to(db, tip):\n            tip = target\n",
        "",
        _tests("state_revisions"),
    ),
    Mutant(
        "state/workspace/workspace.py",
        "for root in (*self.images_roots, self.home.resolve())",
        'for root in (Path("/"), self.home.resolve())',
        _tests("state_workspace"),
    ),
    Mutant(
        "state/revisions/cluster_marks.py",
        "return 2 * len(before & after) >= max(len(before), len(after), 1)",
        "return True",
        _tests("state_cluster_marks"),
    ),
    # the server
    Mutant(
        "state/server/allowed_hosts.py",
        "return is_here and host.port in (None, port)",
        "return is_here",
        _tests("state_allowed_hosts"),
    ),
    Mutant(
        "state/server/allowed_hosts.py",
        "return not origins or _is_same(origins[0], host)",
        "return True",
        _tests("state_allowed_hosts"),
    ),
)
