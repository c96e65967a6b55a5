"""A private registry: OCI distribution 1.1 over HTTP."""
