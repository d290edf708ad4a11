"""Notify: `python -m services.notify.main` is its worker; libs/service/serving.py serves `app`, its API."""

from libs.service.http.app import api_app
from libs.service.runtime import Parts
from libs.service.worker.process import run_worker
from services.notify import api, domain, measures, projection, reactions, sender, tables

PARTS = Parts(
    service="notify",
    title_zh="告知",
    decider=domain.DECIDER,
    routers=(api.router,),
    tables=tables.TABLES,
    project=projection.project,
    react=reactions.react,
    count=measures.count,
    measure=measures.measure,
    effect=sender.report_untold,
    jobs={"sender": sender.run},
    pending=sender.pending,
)
app = api_app(PARTS)

if __name__ == "__main__":
    run_worker(PARTS)
