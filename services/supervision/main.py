"""Supervision: `python -m services.supervision.main` is its worker; libs/service/serving.py serves `app`, its API."""

from libs.service.http.app import api_app
from libs.service.http.timeline import router as timeline
from libs.service.runtime import Parts
from libs.service.worker.process import run_worker
from services.supervision import reactions
from services.supervision.api import alarms, board, cases, commands, counts, verdicts
from services.supervision.domain import decider
from services.supervision.jobs import alarm_watch, metrics, recount, silence, timers
from services.supervision.readmodel import projection, tables

PARTS = Parts(
    service="supervision",
    title_zh="督办",
    decider=decider.DECIDER,
    routers=(commands.router, cases.router, board.router, verdicts.router, counts.router, alarms.router, timeline),
    tables=tables.TABLES,
    project=projection.project,
    react=reactions.react,
    after=timers.follow,
    looks={
        timers.STEPS.name: timers.look,
        recount.RECOUNT.name: recount.look,
        alarm_watch.LEFT_ALONE.name: alarm_watch.look,
    },
    measure=metrics.measure,
    jobs={
        "timers": timers.run,
        "recounts": recount.run,
        "silence": silence.watch,
        "alarms": alarm_watch.watch,
        "left_alone": alarm_watch.say,
    },
    pending=timers.pending,
)
app = api_app(PARTS)

if __name__ == "__main__":
    run_worker(PARTS)
