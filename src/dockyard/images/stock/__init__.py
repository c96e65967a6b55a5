"""Services of the official images' names and behaviour, made from Debian's packages."""
