"""Notify: `python -m services.notify.main` is its worker; libs/service/serving.py serves `app`, its API."""

from libs.service.http.app import api_app
from libs.service.runtime import Parts
from libs.service.worker.process import run_worker
from services.notify import config, reactions
from services.notify.api import messages
from services.notify.domain import decider
from services.notify.jobs import drafts, ledger, metrics, sender
from services.notify.readmodel import projection, tables

PARTS = Parts(
    service="notify",
    title_zh="告知",
    decider=decider.DECIDER,
    settings=config.Settings,
    routers=(messages.router,),
    tables=tables.TABLES,
    project=projection.project,
    react=reactions.react,
    count=metrics.count,
    measure=metrics.measure,
    effect=ledger.report_untold,
    jobs={"sender": sender.run, "drafts": drafts.run},
    pending=ledger.pending,
)
app = api_app(PARTS)

if __name__ == "__main__":
    run_worker(PARTS)
