"""What vertices do, each in a workspace of its own."""
