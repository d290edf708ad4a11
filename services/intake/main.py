"""Intake: `python -m services.intake.main` is its worker; libs/service/serving.py serves `app`, its API."""

from libs.service.http.app import api_app
from libs.service.http.timeline import router as timeline
from libs.service.runtime import Parts
from libs.service.worker.process import run_worker
from services.intake import config
from services.intake.api import attachments, callers, cases, corrections, import_, receipts, same_matter, suspected
from services.intake.domain import decider
from services.intake.jobs import erasure, sweep
from services.intake.jobs.passing_on import PASSING_ON
from services.intake.readmodel import projection, search_copies, tables

PARTS = Parts(
    service="intake",
    title_zh="受理",
    decider=decider.DECIDER,
    settings=config.Settings,
    routers=(
        cases.router,
        corrections.router,
        receipts.router,
        callers.router,
        same_matter.router,
        suspected.router,
        attachments.router,
        import_.router,
        timeline,
    ),
    tables=tables.TABLES,
    project=projection.project,
    effect=erasure.destroy_keys,
    copy=search_copies.copies,
    opener=config.opener,
    jobs={"sweep": sweep.run, "passing_on": PASSING_ON.run},
    pending=PASSING_ON.pending,
    body_limits=attachments.BODY_LIMITS | import_.BODY_LIMITS,
)
app = api_app(PARTS)

if __name__ == "__main__":
    run_worker(PARTS)
