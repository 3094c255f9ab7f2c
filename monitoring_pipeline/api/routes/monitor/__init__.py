"""``/monitor``: how a model does now, for programs and for people."""

from fastapi import APIRouter

from monitoring_pipeline.api.routes.monitor import drift, performance, report

# Each part says "/monitor" itself: requests are counted by the path of the route, which knows nothing of this one's.
router = APIRouter(tags=["monitor"])
for _part in (drift, performance, report):
    router.include_router(_part.router)
