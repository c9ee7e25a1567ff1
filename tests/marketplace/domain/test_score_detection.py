"""The script behind docs/detection-quality.md: what it counts, and when it is content."""

import json
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "score_detection"


@pytest.fixture(scope="module")
def scorer():
    """The script as a module: it has no suffix, and leaves no compiled copy beside it."""
    loader = SourceFileLoader("score_detection", str(SCRIPT))
    module = module_from_spec(spec_from_loader(loader.name, loader))
    sys.modules[loader.name] = module
    exec(compile(SCRIPT.read_text(), str(SCRIPT), "exec"), module.__dict__)
    yield module
    del sys.modules[loader.name]


def label(type_, path, expect="must", basis="layout"):
    return {"type": type_, "path": path, "expect": expect, "basis": basis}


LABELS = [
    label("skill", "a"),
    label("skill", "b"),
    label("agent", "x.md", basis="content"),
    label("agent", "old.md", "may", "content"),
]
ABOUT = {"repository": "o/r", "commit": "c" * 40, "is_labelled_commit": True, "seconds": 1.0}


def scored(scorer, *found, labels=LABELS):
    return scorer.score(labels, [{"type": type_, "path": path} for type_, path in found], **ABOUT)


def test_what_is_missed_and_what_nobody_knows_of(scorer):
    score = scored(scorer, ("skill", "a"), ("agent", "x.md"), ("agent", "old.md"), ("skill", "x.md"))
    assert score.missed == (("layout", ("skill", "b")),)
    assert score.false == (("skill", "x.md"),)
    assert score.found == {"skill": 2, "agent": 2}
    assert score.may == {"agent": 1}


def test_a_place_with_several_labels_is_certain_if_one_is(scorer):
    labels = [label("plugin", "."), label("plugin", ".", "may")]
    assert scored(scorer, labels=labels).missed == (("layout", ("plugin", ".")),)
    assert scored(scorer, ("plugin", "./"), labels=labels).missed == ()


def test_the_limits_hold_for_each_basis_and_type(scorer):
    everything = [("skill", "a"), ("skill", "b"), ("agent", "x.md")]
    assert scorer.is_within_limits([scored(scorer, *everything)])
    assert not scorer.is_within_limits([scored(scorer, *everything[:2])])
    assert not scorer.is_within_limits([scored(scorer, *everything, ("hook", "h.json"))])
    assert not scorer.is_within_limits([])


def test_tables_show_hits_by_basis_and_the_odd_ones(scorer):
    results = [scored(scorer, ("skill", "a"), ("agent", "x.md"), ("hook", "h.json"))]
    assert "| skill | 1/2 |  |  | 0.5000 | 1 | 0 | 0 (0.00%) |" in list(scorer.by_type(results))
    assert "| hook |  |  |  |  | 1 | 0 | 1 (100.00%) |" in list(scorer.by_type(results))
    assert list(scorer.by_repository(results))[-1] == "| o/r | cccccccccccc | 3 | 3 | 1 | 1 | 1.0 |"
    assert list(scorer.odd(results)) == ["- Missed: o/r: skill b (layout)", "- False alarm: o/r: hook h.json"]


def test_a_clone_without_the_labelled_commit_is_looked_at_as_it_is_and_told(scorer, tmp_path):
    clone = tmp_path / "clones" / "o+r" / "repo"
    (clone / "skills" / "a").mkdir(parents=True)
    (clone / "skills" / "a" / "SKILL.md").write_text("---\nname: a\ndescription: d\n---\n")
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    for arguments in (("init", "-q"), ("add", "."), (*identity, "commit", "-qm", "x")):
        subprocess.run(["git", "-C", str(clone), *arguments], check=True)
    (tmp_path / "labels").mkdir()
    labels = {"repo": "o/r", "commit": "c" * 40, "artifacts": [label("skill", "skills/a")]}
    (tmp_path / "labels" / "o+r.json").write_text(json.dumps(labels))
    (tmp_path / "labels" / "o+gone.json").write_text(json.dumps(labels))
    (score,) = scorer.scores(tmp_path / "clones", tmp_path)
    assert (score.missed, score.false, score.is_labelled_commit) == ((), (), False)


def test_it_says_how_it_is_called(scorer, capsys):
    assert scorer.main([]) == 2
    assert "usage: scripts/score_detection CLONES_DIR [CORPUS_DIR]" in capsys.readouterr().err
