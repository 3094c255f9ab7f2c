from tests.test_docs_late_truth import *
def test_probe(world):
    print(answers(world))
    correct_monday(world)
    world.clock.now = NOW + 2 * HOUR_MICROS + HOUR_MICROS // 2
    print(answers(world))
    q = select(metrics.c.value, metrics.c.known_from, metrics.c.known_to).where(metrics.c.metric == "mae", metrics.c.grain == "day", metrics.c.window_start == hour(0))
    with reading(world.engine) as c:
        print(c.execute(q).all())
