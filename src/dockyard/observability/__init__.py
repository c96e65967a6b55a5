"""What can be seen of running containers: how much of the host each of them uses."""
