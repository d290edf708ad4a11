"""Routing: `python -m services.routing.main` is its worker; libs/service/serving.py serves `app`, its API."""

from libs.service.http.app import api_app
from libs.service.http.timeline import router as timeline
from libs.service.runtime import Parts
from libs.service.worker.process import run_worker
from services.routing import (
    api,
    bulk,
    directory_api,
    domain,
    feed,
    lists,
    projection,
    queue,
    reactions,
    returns_api,
    tables,
)

PARTS = Parts(
    service="routing",
    title_zh="派遣·办理",
    decider=domain.DECIDER,
    routers=(
        api.router,
        returns_api.router,
        bulk.router,
        lists.router,
        queue.router,
        feed.router,
        directory_api.router,
        timeline,
    ),
    tables=tables.TABLES,
    project=projection.project,
    react=reactions.react,
)
app = api_app(PARTS)

if __name__ == "__main__":
    run_worker(PARTS)
