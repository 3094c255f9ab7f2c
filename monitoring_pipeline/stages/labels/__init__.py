"""How late a model's truth comes, and whether it still does."""
