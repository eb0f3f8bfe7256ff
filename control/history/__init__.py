"""Past calls: an index over the detail records, search in it, and how long they are kept."""
