"""What collections are made of, pure: names, records, the two files. No Django, no disk."""
