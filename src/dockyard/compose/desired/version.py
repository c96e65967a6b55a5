"""The version of Docker Compose whose behaviour is kept to."""

from typing import Final

COMPOSE_VERSION: Final = "2.40.3"
