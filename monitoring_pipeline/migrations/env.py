"""Run by alembic: migrates the connection that :func:`monitoring_pipeline.migrations.upgrade` hands in."""

from alembic import context

from monitoring_pipeline.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=False,
    on_version_apply=context.config.attributes.get("on_version_apply"),
)
context.run_migrations()
