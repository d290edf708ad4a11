"""Intake: `python -m services.intake.main` is its worker; libs/service/serving.py serves `app`, its API."""

from libs.service.http.app import api_app
from libs.service.http.timeline import router as timeline
from libs.service.runtime import Parts
from libs.service.worker.process import run_worker
from services.intake import (
    api,
    attachments_api,
    callers_api,
    desk_api,
    domain,
    erasure,
    import_api,
    projection,
    receipts_api,
    same_matter_api,
    search_copies,
    tables,
)

PARTS = Parts(
    service="intake",
    title_zh="受理",
    decider=domain.DECIDER,
    routers=(
        api.router,
        desk_api.router,
        receipts_api.router,
        callers_api.router,
        same_matter_api.router,
        attachments_api.router,
        import_api.router,
        timeline,
    ),
    tables=tables.TABLES,
    project=projection.project,
    effect=erasure.destroy_keys,
    copy=search_copies.copies,
    body_limits=attachments_api.BODY_LIMITS | import_api.BODY_LIMITS,
)
app = api_app(PARTS)

if __name__ == "__main__":
    run_worker(PARTS)
