"""The long-running processes: what each one is started with, who watches them, who may talk to them."""
