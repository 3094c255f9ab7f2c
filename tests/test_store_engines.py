from sqlalchemy import Engine, inspect


def test_each_test_gets_a_store_with_all_tables(engine: Engine) -> None:
    names = inspect(engine).get_table_names()

    assert {"predictions", "actuals", "quarantine", "hour_revision", "ingest_batches"} <= set(names)
