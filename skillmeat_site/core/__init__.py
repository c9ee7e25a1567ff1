"""What every app stands on. Knows no domain: jobs, leases, errors, results, and the base of each face."""
