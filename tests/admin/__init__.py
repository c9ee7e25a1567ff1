"""The admin as a whole: what goes through several apps."""
