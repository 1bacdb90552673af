"""Plainview in Orthanc's pages and under Orthanc's address. For Orthanc's `PythonScript`; needs Python 3.9.
It needs explorer.js, plainview_service.py and plainview_users.py in its own folder.

- Orthanc Explorer shows Plainview's decisions, and buttons (explorer.js, in the folder of this file).
- /plainview/review/ and /plainview/api/ are a proxy for the service, behind Orthanc's login.
- /plainview/reclassify requests reclassification. While the service is away, Orthanc keeps the request.

Environment of Orthanc, the same as the hook's:
  PLAINVIEW_URL           address of the service; else PLAINVIEW_HOOK_URL without its /hook,
                          else http://127.0.0.1:8104
  PLAINVIEW_SECRET        the secret shared with the service, or
  PLAINVIEW_SECRET_FILE   a file that contains it. It is not sent: the plugin signs its requests with it

Section "Plainview" of Orthanc's configuration; every entry is optional:
  Url              instead of PLAINVIEW_URL
  Roles            {"name of a user in RegisteredUsers": "viewer" | "reviewer" | "admin"}
  GroupRoles       {"group in the user's profile of the authorization plugin": role}
  PermissionRoles  {"permission in that profile": role}
  DefaultRole      role of all other users that Orthanc admits ("viewer")

If one of these is wrong, the plugin logs it and does nothing else, because Orthanc itself must start.
"""

import json
import os
import re
import threading
from contextlib import contextmanager
from datetime import datetime, timezone
from html import escape

import orthanc

from plainview_service import Problem, Service
from plainview_users import ORTHANC_ID, Users

REQUEST = 'RadiographReclassify'
PATHS = {'Patient': 'patients', 'Study': 'studies', 'Series': 'series', 'Instance': 'instances'}
OPTIONS = {'Url', 'Roles', 'GroupRoles', 'PermissionRoles', 'DefaultRole'}

MAX_REQUEST_BYTES = 256 * 1024

# The browser does not get these headers of the service.
BLOCKED_ANSWER_HEADERS = {
    'allow', 'connection', 'content-length', 'content-type', 'date', 'keep-alive', 'location', 'proxy-authenticate',
    'server', 'set-cookie', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'www-authenticate',
    'x-content-type-options', 'x-plainview-answer',
}  # fmt: skip
# If a plugin answers with another status, for example 429, Orthanc drops the connection.
ALLOWED_STATUSES = {200, 201, 202, 204, 304, 400, 401, 403, 404, 409, 413, 415, 500, 501, 502, 503, 504}


class Threads:
    """Shares Orthanc's threads. A third works for Plainview at most, and a third waits to do so at most. Orthanc needs
    the rest to answer what the plugin asks it."""

    def __init__(self, configuration):
        count = int(configuration.get('HttpThreadsCount', 50))
        if count < 2:
            raise ValueError('HttpThreadsCount must be 2 or more, because the plugin asks Orthanc what a user may see.')
        self.working = threading.BoundedSemaphore(max(1, count // 3))
        self.waiting = threading.BoundedSemaphore(count // 3)

    @contextmanager
    def one(self):
        if not self.working.acquire(blocking=False):
            begun = self.waiting.acquire(blocking=False)
            try:
                if not begun or not self.working.acquire(timeout=1):
                    raise Problem(503, 'service_busy', 'Too many requests wait for Plainview. Try again in a moment.')
            finally:
                if begun:
                    self.waiting.release()
        try:
            yield
        finally:
            self.working.release()


class Plugin:
    """Options from Orthanc's configuration and environment. Raises a ValueError that names the wrong option."""

    def __init__(self, configuration, environment):
        section = configuration.get('Plainview', {})
        if not isinstance(section, dict) or set(section) - OPTIONS:
            names = ', '.join(sorted(OPTIONS))
            raise ValueError(f'"Plainview" in Orthanc\'s configuration may contain only {names}.')
        self.service = Service(section.get('Url'), environment)
        self.users = Users(configuration, section)
        self.threads = Threads(configuration)


def check_request(method, headers, body):
    """Refuses changes from pages of other sites (CSRF), because browsers send the login by themselves.
    Also refuses bodies that are not JSON or too large."""
    if method in ('GET', 'HEAD'):
        return
    if headers.get('sec-fetch-site', 'none') not in ('same-origin', 'none'):
        why = 'The request comes from a page of another site, so it is refused. Send it from a page of this Orthanc.'
        raise Problem(403, 'other_site', why)
    if method != 'DELETE' and headers.get('content-type', '').partition(';')[0].strip() != 'application/json':
        why = 'The request is not declared as JSON. Send it with Content-Type: application/json.'
        raise Problem(415, 'not_json', why)
    if len(body) > MAX_REQUEST_BYTES:
        why = f'The request is larger than the limit of {MAX_REQUEST_BYTES // 1024} kB. Send a smaller one.'
        raise Problem(413, 'request_too_large', why)


def service_path(path):
    """The service's path for a path of the plugin. Orthanc has removed `..`, `//` and a `/` at the end."""
    path = '/review/' if path == '/review' else path
    if not re.fullmatch(r'/(api|review)/[A-Za-z0-9._~/-]*', path) or '..' in path:
        raise Problem(404, 'route_unknown', 'There is nothing at this address. The README lists the addresses.')
    return path


def service_query(path, query, headers):
    """The query as the client wrote it, from a header that Orthanc does not change. What Orthanc hands over is not it:
    1.13 decodes it before it splits it, so a `&` in a value makes another parameter, and 1.12 does not decode it at all.
    Of a name that comes twice, both keep one value."""
    sent = headers.get('x-plainview-query', '')
    if path.startswith('/review/'):
        return ''
    if query and not sent:
        why = 'Orthanc may have changed the query of this request. Send the query in the header X-Plainview-Query too.'
        raise Problem(400, 'query_ambiguous', why)
    if not re.fullmatch(r"[A-Za-z0-9!$%&'()*+,./:;=?@_~-]*", sent):
        raise Problem(400, 'request_malformed', 'The request cannot be understood: X-Plainview-Query is no query.')
    return sent


def answer_with(output, status, headers, body):
    if status == 405:
        allowed = next((value for name, value in headers if name.lower() == 'allow'), 'GET')
        return output.SendMethodNotAllowed(allowed)
    mime = 'application/octet-stream'
    for name, value in headers:
        if name.lower() == 'content-type':
            mime = value
        elif name.lower() not in BLOCKED_ANSWER_HEADERS:
            output.SetHttpHeader(name, value)
    if status == 200:
        return output.AnswerBuffer(body, mime)
    # Only an answer with status 200 can have a type. Orthanc sends all others as text/plain.
    status = 503 if status == 429 else status if status in ALLOWED_STATUSES else 502
    output.SendHttpStatus(status, b'' if status in (204, 304) else body)


def answer_problem(output, problem):
    body = {'type': 'about:blank', 'title': problem.title, 'status': problem.status, 'code': problem.code}
    answer_with(output, problem.status, [('Cache-Control', 'no-store')], json.dumps(body).encode())


def answer_page(output, problem):
    """Shows the problem to a person, and reloads by itself. Only with status 200 can Orthanc send HTML."""
    page = f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="5"><title>Plainview</title><p>{escape(problem.title)}'
    headers = [('Content-Type', 'text/html; charset=utf-8'), ('Cache-Control', 'no-store')]
    answer_with(output, 200, headers, page.encode())


def answer_json(output, status, value):
    headers = [('Content-Type', 'application/json'), ('Cache-Control', 'no-store')]
    answer_with(output, status, headers, json.dumps(value).encode())


def session(plugin, caller):
    """The caller's name and role, and whether the service answers."""
    service = {'answers': True}
    try:
        plugin.service.call(caller, 'GET', '/api/v1/status', {})
    except Problem as problem:
        service = {'answers': False, 'why': problem.title}
    return {'who': caller[0], 'role': caller[1], 'service': service}


def find(ids):
    """Paths of the resources that exist, of any level."""
    found = json.loads(orthanc.RestApiPost('/tools/bulk-content', json.dumps({'Resources': ids, 'Short': True})))
    return [f'{PATHS[resource["Type"]]}/{resource["ID"]}' for resource in found]


def reclassify(plugin, caller, headers, body):
    """
    Requests reclassification of `{"resources": id | [id, …]}`, of any level. Returns status and answer.
    The answer is the request's progress. If the service does not answer, it is the number of requests that Orthanc keeps.
    """
    if caller[1] != 'admin':
        why = 'This needs the role admin. Ask the administrator of Orthanc for it (Plainview.Roles).'
        raise Problem(403, 'forbidden', why)
    try:
        resources = json.loads(body)['resources']
        ids = [resources] if isinstance(resources, str) else list(resources)
    except (ValueError, KeyError, TypeError):
        ids = []
    if not ids or not all(isinstance(each, str) and re.fullmatch(ORTHANC_ID, each) for each in ids):
        why = "The request cannot be understood: resources must contain one or more of Orthanc's identifiers."
        raise Problem(400, 'request_malformed', why)
    if not plugin.users.may_list(headers):
        for resource in find(ids):
            plugin.users.require(resource, headers)
    selection = json.dumps({'selection': {'ids': ids}}).encode()
    try:
        json_headers = {'content-type': 'application/json', 'accept': 'application/json'}
        status, _, content = plugin.service.call(caller, 'POST', '/api/v1/requests', json_headers, selection)
        if status < 500:
            return status, json.loads(content)
    except Problem:
        pass  # The request is kept in Orthanc instead, see below.
    when = datetime.now(timezone.utc).isoformat(timespec='milliseconds').replace('+00:00', 'Z')
    request = json.dumps({'who': caller[0], 'when': when}).encode()
    found = find(ids)
    for resource in found:
        orthanc.RestApiPut(f'/{resource}/metadata/{REQUEST}', request)
    if not found:
        raise Problem(404, 'resource_unknown', 'Orthanc has none of these resources. Reload the page.')
    return 202, {'kept': len(found)}


def handle(plugin, output, uri, method, headers, query, body):
    path = uri[len('/plainview'):]
    check_request(method, headers, body)
    caller = plugin.users.caller(headers)
    if path == '/session' and method == 'GET':
        return answer_json(output, 200, session(plugin, caller))
    if path == '/reclassify' and method == 'POST':
        return answer_json(output, *reclassify(plugin, caller, headers, body))
    path = service_path(path)
    if path == '/api/v1/events':
        raise Problem(501, 'no_events_here', 'Events would use a thread of Orthanc for each page. Poll instead.')
    query = plugin.users.permit(path, service_query(path, query, headers), headers)
    target = path + ('?' + query if query else '')
    answer_with(output, *plugin.service.call(caller, method, target, headers, body))


def start():
    plugin = Plugin(json.loads(orthanc.GetConfiguration()), os.environ)
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'explorer.js'), encoding='utf-8') as file:
        explorer = file.read()

    def callback(output, uri, **request):
        try:
            body = request.get('body') or b''
            with plugin.threads.one():
                handle(plugin, output, uri, request['method'], request['headers'], request.get('get'), body)
        except Problem as problem:
            is_page = uri.startswith('/plainview/review') and 'text/html' in request['headers'].get('accept', '')
            (answer_page if is_page and problem.code == 'service_away' else answer_problem)(output, problem)
        except Exception as error:  # noqa: BLE001 – else Orthanc's answer would contain the text of the exception
            orthanc.LogError(f'Plainview: {request["method"]} {uri} failed: {type(error).__name__}: {error}')
            why = "This is a fault of Plainview itself. Please report it, with the cause from Orthanc's log."
            answer_problem(output, Problem(500, 'internal', why))

    orthanc.RegisterRestCallback('/plainview/.*', callback)
    orthanc.ExtendOrthancExplorer(explorer)


try:
    start()
except (ValueError, OSError) as problem:
    orthanc.LogError(f"Plainview: Orthanc's pages go without it: {problem}")
