"""Supervision: `python -m services.supervision.main` is its worker; libs/service/serving.py serves `app`, its API."""

from libs.service.http.app import api_app
from libs.service.http.timeline import router as timeline
from libs.service.runtime import Parts
from libs.service.worker.process import run_worker
from services.supervision import (
    alarms,
    api,
    board,
    counts,
    domain,
    measures,
    projection,
    reactions,
    recounts,
    silence,
    tables,
    timers,
    verdicts,
)

PARTS = Parts(
    service="supervision",
    title_zh="督办",
    decider=domain.DECIDER,
    routers=(api.router, board.router, verdicts.router, counts.router, alarms.router, timeline),
    tables=tables.TABLES,
    project=projection.project,
    react=reactions.react,
    after=timers.follow,
    measure=measures.measure,
    jobs={"timers": timers.run, "recounts": recounts.run, "silence": silence.watch, "alarms": alarms.watch},
    pending=timers.pending,
)
app = api_app(PARTS)

if __name__ == "__main__":
    run_worker(PARTS)
