"""Truth on its way: how long it takes, how much of it comes, and whether it still comes as it used to."""
