"""Collections as files: directories, transactions on disk, history. Knows neither the ORM nor Django."""
