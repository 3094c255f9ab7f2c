"""The OpenAPI document and the page that shows it: what the routes say of themselves, and what is the same for all."""
