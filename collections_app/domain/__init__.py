"""Pure rules of collections and deployments: formats, plans, drift. No Django, no I/O, no clock."""
