"""Collections on disk, and the only way anything of the user's on disk is changed. No Django, no ORM."""
