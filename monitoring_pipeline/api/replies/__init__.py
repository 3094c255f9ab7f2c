"""The replies of the pipes: their columns, how they are written, and how the OpenAPI document tells of them."""
