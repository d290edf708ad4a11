"""Routing: `python -m services.routing.main` is its worker; libs/service/serving.py serves `app`, its API."""

from libs.service.http.app import api_app
from libs.service.http.timeline import router as timeline
from libs.service.runtime import Parts
from libs.service.worker.process import run_worker
from services.routing import reactions
from services.routing.api import bulk, cases, commands, disputes, feed, queue, work_list
from services.routing.directory import api as directory_api
from services.routing.domain import decider
from services.routing.jobs.passing_on import PASSING_ON
from services.routing.readmodel import projection, tables

PARTS = Parts(
    service="routing",
    title_zh="派遣·办理",
    decider=decider.DECIDER,
    routers=(
        commands.router,
        cases.router,
        disputes.router,
        bulk.router,
        work_list.router,
        queue.router,
        feed.router,
        directory_api.router,
        timeline,
    ),
    tables=tables.TABLES,
    project=projection.project,
    react=reactions.react,
    hosts_directory=True,
    jobs={"passing_on": PASSING_ON.run},
    pending=PASSING_ON.pending,
    body_limits=directory_api.BODY_LIMITS,
)
app = api_app(PARTS)

if __name__ == "__main__":
    run_worker(PARTS)
