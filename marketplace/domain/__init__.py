"""Pure rules of the catalog: detection, frontmatter, duplicates, scan plan. No Django, no I/O, no clock."""
