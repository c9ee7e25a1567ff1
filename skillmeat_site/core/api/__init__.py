"""The base of the REST face: authentication, problems, pagination, and how an action becomes a job."""
