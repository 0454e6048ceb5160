"""Looking after what is stored: whether the databases answer, what is too old, what a deleted project leaves."""
