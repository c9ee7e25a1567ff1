"""Reading a repository at a commit: resolve a ref, list a tree, read blobs by id. A library without ORM."""
