"""The registry's protocol: requests of clients, and what they are answered."""
