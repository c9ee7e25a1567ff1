"""What others may want to hear of, who stand on collections and whom collections do not know."""

from __future__ import annotations

from django.dispatch import Signal

artifacts_indexed = Signal()
"""``ids`` of artifacts that the files have and the index had not: restored, adopted, or their rows were lost.

Sent inside the transaction that inserts their rows; what a receiver raises undoes it.
"""
