"""Reading the documents in which artifacts say what they are: heads of Markdown, JSON manifests. Pure Python."""
