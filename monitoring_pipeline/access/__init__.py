"""Who may do what: tokens, their scopes, and which models they are for."""
