"""What a browser tells beside its page: errors, foreign hosts, dialogs. A page that is well tells nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import BrowserContext, Page

# Runs before anything of the page's own: what a policy forbids is told by an event, not only on the console.
_TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => {
  if (event.sourceFile) console.error(
    `policy violated: ${event.violatedDirective} by ${event.blockedURI} at ${event.sourceFile}:${event.lineNumber}`);
});
"""


@dataclass
class Watch:
    """``problems`` grows as pages are used; ``expected`` are texts that a test provokes on purpose."""

    home: str
    problems: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def over(self, context: BrowserContext) -> Watch:
        context.add_init_script(_TELL_VIOLATIONS)
        context.on("request", lambda request: self._host(request.url))
        context.on("response", lambda answer: self._answer(answer.status, answer.url))
        context.on("console", self._console)
        context.on("weberror", lambda error: self._tell(f"uncaught: {error.error}"))
        context.on("page", self._page)
        return self

    def _page(self, page: Page) -> None:
        page.on("dialog", self._dialog)

    def _dialog(self, dialog: Any) -> None:
        self._tell(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _host(self, url: str) -> None:
        if not url.startswith((f"{self.home}/", "data:", "blob:", "about:")):
            self._tell(f"asked elsewhere: {url}")

    def _answer(self, status: int, url: str) -> None:
        if status >= 500:
            self._tell(f"{status}: {url}")

    def _console(self, message: Any) -> None:
        """What a test itself runs in a page (axe-core) has no address, and is no fault of the page."""
        place = message.location.get("url")
        if message.type in ("error", "warning") and (place or message.text.startswith("policy violated")):
            self._tell(f"console: {message.text} ({place})")

    def _tell(self, problem: str) -> None:
        if not any(text in problem for text in self.expected):
            self.problems.append(problem)
