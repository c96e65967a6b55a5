"""Content and names of images: layers on disk, their tar form, image records and archives."""
