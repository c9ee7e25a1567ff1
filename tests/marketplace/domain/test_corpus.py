"""Forty real repositories: what their paths alone must give. Skipped where the corpus is not at hand."""

import gzip
import json
import os
from collections import Counter
from pathlib import Path

import pytest

from marketplace.domain.detector import detect_layout
from marketplace.domain.types import ArtifactType, DetectionOptions
from skillmeat_site.upstream.types import TreeItem

ROOT = Path(__file__).resolve().parents[3]
CORPUS = Path(os.environ.get("SKILLMEAT_CORPUS") or ROOT.parent / "shared" / "corpus")

pytestmark = pytest.mark.skipif(not (CORPUS / "trees").is_dir(), reason="no corpus: set SKILLMEAT_CORPUS")


@pytest.fixture(scope="module")
def repositories():
    """(labels, findings) of each repository."""
    answers = []
    for label_file in sorted((CORPUS / "labels").glob("*.json")):
        labels = json.loads(label_file.read_text())["artifacts"]
        with gzip.open(CORPUS / "trees" / f"{label_file.stem}.json.gz") as stream:
            tree = json.load(stream)
        items = [TreeItem(e["path"], e["mode"], e["sha"], e.get("size")) for e in tree["tree"]]
        answers.append((labels, detect_layout(items, DetectionOptions(), root_tree_oid=tree["sha"]).artifacts))
    return answers


def place(label):
    return label["type"], label["path"]


@pytest.mark.parametrize("type_", list(ArtifactType))
def test_every_certain_artifact_is_found(repositories, type_):
    missed = [
        path
        for labels, found in repositories
        for kind, path in {place(x) for x in labels if x["basis"] == "layout" and x["expect"] == "must"}
        - {(f.type, f.path) for f in found}
        if kind == type_
    ]
    assert missed == []


@pytest.mark.parametrize("type_", list(ArtifactType))
def test_hardly_anything_else_is_found(repositories, type_):
    counts = Counter()
    for labels, found in repositories:
        known = {place(label) for label in labels}
        counts.update((f.type, f.path) in known for f in found if f.type == type_)
    assert counts[False] <= 0.015 * counts.total()


def test_content_ids_are_the_labels(repositories):
    for labels, found in repositories:
        shas = {place(label): label["sha"] for label in labels if "sha" in label and label["type"] != "marketplace"}
        wrong = [f.path for f in found if shas.get((f.type, f.path), f.content_oid) != f.content_oid]
        assert wrong == []


def test_confidence_tells_the_certain_from_the_rest(repositories):
    """Labels that only may be meant for use lie below 60 where their path shows it; certain ones above it."""
    low = Counter()
    for labels, found in repositories:
        expect = {place(label): label["expect"] for label in labels}
        low.update((expect.get((f.type, f.path)), f.confidence < 60) for f in found)
    assert low["must", True] <= 0.005 * (low["must", True] + low["must", False])
    assert low["may", True] >= 0.75 * (low["may", True] + low["may", False])
