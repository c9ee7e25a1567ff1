"""How long detection takes, and how much it needs, for listings of the sizes upstream hands out."""

import time
import tracemalloc
from functools import cache

import pytest

from marketplace.domain.detector import detect, detect_layout, wanted
from marketplace.domain.tree_index import TreeIndex
from marketplace.domain.types import DetectionOptions
from skillmeat_site.core.documents.frontmatter import parse_document
from skillmeat_site.core.documents.types import DocumentKind, Parsed
from skillmeat_site.upstream.types import TreeItem

pytestmark = pytest.mark.benchmark

ROOT_OID = "f" * 40
OPTIONS = DetectionOptions(repository_name="bench")

# One plugin of 50 files, five of them artifacts beside the plugin itself: about as dense as published collections are.
PLUGIN_FILES = (
    ".claude-plugin/plugin.json",
    "skills/first/SKILL.md",
    "skills/second/SKILL.md",
    "commands/run.md",
    "agents/reviewer.md",
    ".mcp.json",
    *(f"skills/first/references/page-{n}.md" for n in range(14)),
    *(f"src/module_{n}/source_{m}.py" for n in range(6) for m in range(5)),
)


@cache
def listing(size: int) -> tuple[TreeItem, ...]:
    """A repository of ``size`` entries, its folders among them."""
    files = (f"plugins/plugin-{n}/{name}" for n in range(size // 50) for name in PLUGIN_FILES)
    entries: dict[str, str] = {}
    for path in files:
        for at, sign in enumerate(path):
            if sign == "/":
                entries[path[:at]] = "040000"
        entries[path] = "100644"
    return tuple(TreeItem(path, entries[path], f"{n:040x}", 1) for n, path in enumerate(sorted(entries)[:size]))


def seconds(work, rounds: int = 5) -> float:
    """The shortest of some runs, in processor time: what the work costs however busy the machine is with others."""
    best = float("inf")
    for _ in range(rounds):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best


def test_layout_of_100_000_paths(record_figure):
    small, large = (
        seconds(lambda n=n: detect_layout(listing(n), OPTIONS, root_tree_oid=ROOT_OID)) for n in (10_000, 100_000)
    )
    record_figure("detect layout, 100,000 paths", large, "s", 0.4)
    record_figure("detect layout, 100,000 paths against 10,000", large / small, "times", 12)


def test_content_rules_on_a_collection_of_20_000_files(record_figure):
    """Everything lies where only content tells, and all documents are at hand: twice ``wanted``, then ``detect``."""
    names = ("commands/{}.md", "agents/{}.md", "mcps/{}.json", "hooks/{}.json", "pages/{}.md")
    paths = sorted(f"lib/part-{n // 100}/{name.format(n)}" for n in range(4_000) for name in names)
    items = [TreeItem(path, "100644", f"{n:040x}", 1) for n, path in enumerate(paths)]
    data = {"name": "x", "description": "d", "hooks": {"Stop": [1]}, "mcpServers": {"x": {"command": "npx"}}}
    parsed = Parsed(data=data, has_head=True)

    def work() -> None:
        documents = {(want.oid, want.kind): parsed for want in wanted(items, OPTIONS)}
        assert wanted(items, OPTIONS, documents) == ()
        assert len(detect(items, OPTIONS, documents).artifacts) == 10_000

    record_figure("content rules, 20,000 files", seconds(work, rounds=3), "s", 2)


def test_index_of_100_000_paths(record_figure):
    record_figure("index 100,000 paths", seconds(lambda: TreeIndex(listing(100_000), ROOT_OID)), "s", 0.15)


def test_memory_of_100_000_paths(record_figure):
    items = listing(100_000)
    tracemalloc.start()
    detect_layout(items, OPTIONS, root_tree_oid=ROOT_OID)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    record_figure("memory of detection, 100,000 paths", peak / 1e6, "MB", 60)


def test_reading_10_000_heads(record_figure):
    text = (
        "---\nname: agent-{}\ndescription: Use this agent to review. It is good\ntools: Read, Bash(git:*)\n---\n"
        + "text " * 400
    )
    documents = [text.format(n).encode() for n in range(10_000)]
    took = seconds(lambda: [parse_document(DocumentKind.FRONTMATTER, data) for data in documents], rounds=1)
    record_figure("read 10,000 heads", took, "s", 3)
