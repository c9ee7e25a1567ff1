"""What lies in the repository of a furnished house: sixty skills as an office would have them."""

from __future__ import annotations

Files = dict[str, str | None]

FOLDERS = {
    "finance": ("invoices", "budgets", "receipts", "forecasts"),
    "legal": ("contracts", "policies", "notices", "licences"),
    "writing": ("letters", "articles", "minutes", "speeches"),
    "data": ("tables", "charts", "surveys", "exports"),
    "people": ("rosters", "interviews", "courses", "trips"),
}
VERBS = {"review": "Review", "draft": "Draft", "summarise": "Summarise"}


def office() -> Files:
    """``skills/<folder>/<verb>-<things>/SKILL.md``, each with a description and some Markdown; and a picture."""
    made: Files = {"README.md": "# Office skills\n\nWhat an office does every day.\n"}
    for folder, things in FOLDERS.items():
        for thing in things:
            for verb, word in VERBS.items():
                made[f"skills/{folder}/{verb}-{thing}/SKILL.md"] = _skill(verb, word, thing)
    made["skills/finance/review-invoices/scripts/total.py"] = "import sys\n\nprint(sum(map(float, sys.argv[1:])))\n"
    return made


def office_later() -> Files:
    """All reviews have changed, one skill is new, one gone."""
    made = {path: text.replace("old form", "new form") for path, text in office().items() if "/review-" in path}
    return made | {
        "skills/people/review-offers/SKILL.md": _skill("review", "Review", "offers"),
        "skills/people/draft-trips/SKILL.md": None,
    }


def _skill(verb: str, word: str, thing: str) -> str:
    return (
        f"---\nname: {verb}-{thing}\ndescription: {word} {thing} the way the house does it, forms and limits.\n"
        f"license: MIT\n---\n\n# {word} {thing}\n\nRead the {thing} first. Then:\n\n"
        "1. Look for what is missing.\n2. Fill in the old form.\n3. Say what you did, in **two** sentences.\n\n"
        "| field | from |\n|---|---|\n| number | the first page |\n| amount | the last page |\n\n"
        f"```python\ntotal = sum(line.amount for line in {thing})\n```\n\n> Ask before you send anything.\n"
    )
