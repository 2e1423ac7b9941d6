"""MLflow, listening through the hooks. The process that works never imports it.

    tracker.py    Tracking: what the hooks call; hands records to a thread and returns at once
    scribe.py     turns them into lines of the spool; names.py into names that MLflow takes
    spool.py      the folder on disk where records wait
    courier.py    starts the sender beside the work, hears what it has to tell, replaces it if it dies
    sender.py     the sender's own process: reads spools, also those that earlier sessions left
    delivery.py   one spool's records on their way; server.py the MLflow at their end
    history.py    reading back; models.py   models in MLflow's own formats; location.py   where all this is

So tracking neither blocks nor kills the work: MLflow's import and its database's creation happen beside it, records of
a session whose server is away wait on disk, and a driver killed at any moment leaves no run open.
"""

from pipeline.tracking.tracker import Report, Tracking

__all__ = ["Report", "Tracking"]
