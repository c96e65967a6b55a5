"""A Compose project as typed, frozen values. No I/O."""
