"""One round trip with the client that openapi-python-client makes from the API's description, as round-trip.ts does.
Arguments: folder of the client, address of the service, token."""

import json
import sys

sys.path.insert(0, sys.argv[1])

from plainview_client import AuthenticatedClient  # noqa: E402
from plainview_client.api.decisions import correct, undo  # noqa: E402
from plainview_client.api.reclassification import start_sweep  # noqa: E402
from plainview_client.api.worklist import instance as read_instance  # noqa: E402
from plainview_client.api.worklist import worklist  # noqa: E402
from plainview_client.models import CorrectBody, Problem, UndoBody, WorklistState  # noqa: E402
from plainview_client.types import UNSET  # noqa: E402

client = AuthenticatedClient(base_url=sys.argv[2], token=sys.argv[3])
seen, first, cursor = [], None, UNSET
while True:
    page = worklist.sync(client=client, state=WorklistState.RECENT, limit=1, cursor=cursor)
    for item in page.items:
        first = first or item
        if item.category:
            seen.append(item.category)
    cursor = page.next_
    if not cursor:
        break

correction = CorrectBody.from_dict({'category': 'wrist_ap', 'of': first.when})
corrected = correct.sync(first.instance, client=client, body=correction)
if isinstance(corrected, Problem):
    sys.exit(corrected.title)
read = read_instance.sync(first.instance, client=client)
of = UndoBody.from_dict({'of': corrected.when})
undone = undo.sync(first.instance, client=client, body=of)
sweep = start_sweep.sync_detailed(client=client)
again = undo.sync(first.instance, client=client, body=of)
print(json.dumps({
    'seen': seen,
    'read': read.category,
    'undone': undone.category,
    'sweep': int(sweep.status_code),
    'conflict': again.code,
}))
