"""What a build takes from elsewhere: web servers and git repositories."""
