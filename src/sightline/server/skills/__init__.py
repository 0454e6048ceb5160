"""Skills of agents: folders of text files under a name, in immutable versions."""
