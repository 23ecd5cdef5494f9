"""Which photos of a project are near-copies of each other, as the latest run found them."""

from __future__ import annotations

from state.project.project import Project


def near_copies(project: Project) -> tuple[tuple[str, ...], ...]:
    """Image ids by group, largest group first; empty before a run has looked for them."""
    reports = (record.report for record in project.stage_reports() if record.state == "fresh")
    key = next((report.fingerprint for report in reports if report.stage == "copies"), "")
    stored = project.store.load("copies", key) if key else None
    return () if stored is None else tuple(tuple(group) for group in stored.data["groups"])
