"""What the nouns share on the wire: filters, links, JSON of any shape."""
