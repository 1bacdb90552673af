"""Plainview on Orthanc's own pages, and under Orthanc's own origin. For Orthanc's `PythonScript`; needs Python 3.9.

- Orthanc Explorer shows what Plainview decided, with buttons (explorer.js, beside this file).
- /plainview/review/ and /plainview/api/ are the service's, for whoever Orthanc lets in: so its login guards both.
- /plainview/reclassify asks for reclassification, and keeps the request in Orthanc while the service is away.

Environment of Orthanc, the same as the hook's:
  PLAINVIEW_URL           where the service listens; else PLAINVIEW_HOOK_URL without its /hook,
                          else http://127.0.0.1:8104
  PLAINVIEW_SECRET        the secret shared with the service, or
  PLAINVIEW_SECRET_FILE   a file that holds it

Orthanc's configuration, section "Plainview", all of it optional:
  Url          in place of PLAINVIEW_URL
  Roles        {"name of a user in RegisteredUsers": "viewer" | "reviewer" | "admin"}
  DefaultRole  of everybody else whom Orthanc lets in ("viewer")

A mistake in these is logged and leaves the pages out: Orthanc itself must start.
"""

import base64
import binascii
import hmac
import http.client
import json
import os
import re
import socket
import threading
from datetime import datetime, timezone
from html import escape
from urllib.parse import quote, urlsplit

import orthanc

ROLES = ('viewer', 'reviewer', 'admin')
REQUEST = 'RadiographReclassify'
PATHS = {'Patient': 'patients', 'Study': 'studies', 'Series': 'series', 'Instance': 'instances'}

MOST_SENT = 256 * 1024
MOST_RECEIVED = 64 * 1024 * 1024
TIMEOUT_S = 20

# Everything else stays here: Authorization, cookies, X-Plainview-… that a client made up, hop-by-hop headers.
PASSED_TO_SERVICE = (
    'accept', 'accept-language', 'content-type', 'if-match', 'if-modified-since', 'if-none-match',
    'sec-fetch-site',
)  # fmt: skip
KEPT_FROM_BROWSER = {
    'allow', 'connection', 'content-length', 'content-type', 'date', 'keep-alive', 'location', 'proxy-authenticate',
    'server', 'set-cookie', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'www-authenticate',
    'x-content-type-options',
}  # fmt: skip
# What a query may hold as it is (RFC 3986), and what older browsers send.
QUERY_SAFE = "!$%&'()*+,-./:;=?@[]^_`{|}~"
# Orthanc drops the connection where a plugin answers with another one, 429 among them.
STATUSES = {200, 201, 202, 204, 304, 400, 401, 403, 404, 409, 413, 415, 500, 501, 502, 503, 504}


class Problem(Exception):
    """Answered as the service's API answers an error: a code, and a sentence that says what to do."""

    def __init__(self, status, code, title):
        super().__init__(title)
        self.status, self.code, self.title = status, code, title


class Settings:
    """Orthanc's configuration and environment. Raises ValueError that names the option."""

    def __init__(self, configuration, environment):
        own = configuration.get('Plainview', {})
        if not isinstance(own, dict) or set(own) - {'Url', 'Roles', 'DefaultRole'}:
            raise ValueError('"Plainview" in Orthanc\'s configuration may hold Url, Roles and DefaultRole.')
        hook = environment.get('PLAINVIEW_HOOK_URL', '')
        url = own.get('Url') or environment.get('PLAINVIEW_URL') or re.sub(r'/hook/?$', '', hook)
        try:
            parts = urlsplit(url or 'http://127.0.0.1:8104')
            self.host, self.port = parts.hostname, parts.port
        except (ValueError, AttributeError, TypeError):
            raise ValueError('Plainview.Url (or PLAINVIEW_URL) is no URL.') from None
        if parts.scheme not in ('http', 'https') or not self.host or parts.username or parts.query or parts.fragment:
            raise ValueError('Plainview.Url (or PLAINVIEW_URL) must be http(s)://host:port, without user or query.')
        self.connect = http.client.HTTPSConnection if parts.scheme == 'https' else http.client.HTTPConnection
        self.base = parts.path.rstrip('/')
        self.roles, self.default_role = own.get('Roles', {}), own.get('DefaultRole', 'viewer')
        if not isinstance(self.roles, dict) or any(role not in ROLES for role in self.roles.values()):
            raise ValueError('Plainview.Roles must give users one of: ' + ', '.join(ROLES) + '.')
        if self.default_role not in ROLES:
            raise ValueError('Plainview.DefaultRole must be one of: ' + ', '.join(ROLES) + '.')
        self.users = configuration.get('RegisteredUsers') or {}
        self.secret = read_secret(environment)
        # A service that hangs may hold a third of Orthanc's threads and no more.
        self.slots = threading.BoundedSemaphore(max(1, int(configuration.get('HttpThreadsCount', 50)) // 3))

    def caller(self, headers):
        """Who asks, and in which role. Only who knows a registered user's password is that user."""
        kind, _, given = headers.get('authorization', '').partition(' ')
        user = None
        if kind.lower() == 'basic':
            try:
                name, _, password = base64.b64decode(given, validate=True).decode('utf-8').partition(':')
            except (binascii.Error, UnicodeDecodeError):
                name = password = ''
            known = self.users.get(name)
            if isinstance(known, str) and hmac.compare_digest(known.encode(), password.encode()):
                user = name
        if user is None:
            return 'anonymous', self.default_role
        if len(user) > 64 or not all(letter.isalnum() or letter in ' ._@-' for letter in user):
            raise Problem(403, 'user_unnamable', 'Plainview cannot record this user: rename it in RegisteredUsers.')
        return user, self.roles.get(user, self.default_role)


def read_secret(environment):
    secret, path = environment.get('PLAINVIEW_SECRET', ''), environment.get('PLAINVIEW_SECRET_FILE', '')
    if secret and path:
        raise ValueError('PLAINVIEW_SECRET and PLAINVIEW_SECRET_FILE are both set for Orthanc: unset one.')
    if path:
        try:
            with open(path, encoding='utf-8') as file:
                secret = file.read()
        except OSError as error:
            raise ValueError(f'PLAINVIEW_SECRET_FILE cannot be read: {error.strerror}.') from None
    if not secret.strip():
        raise ValueError(f'PLAINVIEW_SECRET{"_FILE is empty" if path else " is not set"} for Orthanc.')
    return secret.strip()


def ask_service(settings, caller, method, target, headers, body=b''):
    """One call of the service in the caller's name. Returns status, headers and body; raises Problem."""
    if not settings.slots.acquire(timeout=1):
        raise Problem(503, 'service_busy', 'Too many calls wait for Plainview; try again in a moment.')
    connection = settings.connect(settings.host, settings.port, timeout=TIMEOUT_S)
    try:
        user, role = caller
        sent = {name: headers[name] for name in PASSED_TO_SERVICE if name in headers}
        sent.update({
            'X-Plainview-Secret': settings.secret,
            'X-Plainview-User': quote(user),
            'X-Plainview-Role': role,
        })
        connection.request(method, settings.base + target, body, sent)
        answer = connection.getresponse()
        content = answer.read(MOST_RECEIVED + 1)
    except socket.timeout:
        raise Problem(504, 'service_slow', 'Plainview did not answer in time; its log may say why.') from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        why = f'Plainview does not answer ({type(error).__name__}): is it running, and PLAINVIEW_URL right?'
        raise Problem(503, 'service_away', why) from None
    finally:
        connection.close()
        settings.slots.release()
    if answer.status == 401:
        why = 'Plainview does not know this Orthanc: is PLAINVIEW_SECRET the same for both?'
        raise Problem(502, 'service_refuses', why)
    if len(content) > MOST_RECEIVED:
        raise Problem(502, 'answer_too_large', "Plainview's answer is too large to pass on.")
    return answer.status, answer.getheaders(), content


def guard(method, headers, body):
    """A login that browsers send by themselves must not be used by another site's page."""
    if method in ('GET', 'HEAD'):
        return
    if headers.get('sec-fetch-site', 'none') not in ('same-origin', 'none'):
        raise Problem(403, 'other_site', 'Changes are taken from pages of this Orthanc only.')
    if method != 'DELETE' and headers.get('content-type', '').partition(';')[0].strip() != 'application/json':
        raise Problem(415, 'not_json', 'Send the body as application/json.')
    if len(body) > MOST_SENT:
        raise Problem(413, 'request_too_large', f'The body may be {MOST_SENT // 1024} kB at most.')


def service_target(path, query):
    """The service's path for one of ours. Orthanc has taken out `..`, `//` and a last `/`. Queries come as sent from
    Orthanc 1.12, and decoded from 1.13: what may not stand in an address is encoded, what is encoded stays."""
    path = '/review/' if path == '/review' else path
    if not re.fullmatch(r'/(api|review)/[A-Za-z0-9._~/-]*', path) or '..' in path:
        raise Problem(404, 'route_unknown', 'There is nothing here.')
    pairs = [quote(f'{key}={value}' if value else key, safe=QUERY_SAFE) for key, value in (query or {}).items()]
    return path + ('?' + '&'.join(pairs) if pairs else '')


def answer_with(output, status, headers, body):
    if status == 405:
        allowed = next((value for name, value in headers if name.lower() == 'allow'), 'GET')
        return output.SendMethodNotAllowed(allowed)
    mime = 'application/octet-stream'
    for name, value in headers:
        if name.lower() == 'content-type':
            mime = value
        elif name.lower() not in KEPT_FROM_BROWSER:
            output.SetHttpHeader(name, value)
    if status == 200:
        return output.AnswerBuffer(body, mime)
    # Only a 200 can say its type: Orthanc calls the rest text/plain.
    status = 503 if status == 429 else status if status in STATUSES else 502
    output.SendHttpStatus(status, b'' if status in (204, 304) else body)


def answer_problem(output, problem):
    body = {'type': 'about:blank', 'title': problem.title, 'status': problem.status, 'code': problem.code}
    answer_with(output, problem.status, [('Cache-Control', 'no-store')], json.dumps(body).encode())


def answer_page(output, problem):
    """For whoever opens the page meanwhile; it comes back by itself. A 200, as only that can be HTML, see `answer_with`."""
    page = f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="5"><title>Plainview</title><p>{escape(problem.title)}'
    headers = [('Content-Type', 'text/html; charset=utf-8'), ('Cache-Control', 'no-store')]
    answer_with(output, 200, headers, page.encode())


def answer_json(output, status, value):
    headers = [('Content-Type', 'application/json'), ('Cache-Control', 'no-store')]
    answer_with(output, status, headers, json.dumps(value).encode())


def session(settings, caller):
    """Who the page is talking as, and whether the service is there."""
    service = {'answers': True}
    try:
        ask_service(settings, caller, 'GET', '/api/v1/sweep', {})
    except Problem as problem:
        service = {'answers': False, 'why': problem.title}
    return {'who': caller[0], 'role': caller[1], 'service': service}


def reclassify(settings, caller, body):
    """
    Asks for reclassification of `{"resources": id | [id, …]}`, of any level. Returns status and answer: the request's
    progress; or, where the service does not answer, how many requests are kept in Orthanc until it does.
    """
    if caller[1] != 'admin':
        raise Problem(403, 'forbidden', 'This needs the role admin: see Plainview.Roles in the configuration.')
    try:
        asked = json.loads(body)['resources']
        ids = [asked] if isinstance(asked, str) else list(asked)
    except (ValueError, KeyError, TypeError):
        ids = []
    if not ids or not all(isinstance(each, str) and re.fullmatch('[0-9a-f]{8}(-[0-9a-f]{8}){4}', each) for each in ids):
        raise Problem(400, 'request_malformed', "resources must name one or more of Orthanc's identifiers.")
    wanted = json.dumps({'selection': {'ids': ids}}).encode()
    try:
        headers = {'content-type': 'application/json', 'accept': 'application/json'}
        status, _, content = ask_service(settings, caller, 'POST', '/api/v1/requests', headers, wanted)
        if status < 500:
            return status, json.loads(content)
    except Problem:
        pass  # The request is kept below, so nothing is lost by it.
    when = datetime.now(timezone.utc).isoformat(timespec='milliseconds').replace('+00:00', 'Z')
    request = json.dumps({'who': caller[0], 'when': when}).encode()
    found = json.loads(orthanc.RestApiPost('/tools/bulk-content', json.dumps({'Resources': ids, 'Short': True})))
    for resource in found:
        orthanc.RestApiPut(f'/{PATHS[resource["Type"]]}/{resource["ID"]}/metadata/{REQUEST}', request)
    if not found:
        raise Problem(404, 'resource_unknown', 'Orthanc has none of these.')
    return 202, {'kept': len(found)}


def handle(settings, output, uri, method, headers, query, body):
    path = uri[len('/plainview'):]
    caller = settings.caller(headers)
    guard(method, headers, body)
    if path == '/session' and method == 'GET':
        return answer_json(output, 200, session(settings, caller))
    if path == '/reclassify' and method == 'POST':
        return answer_json(output, *reclassify(settings, caller, body))
    target = service_target(path, query)
    if path == '/api/v1/events':
        raise Problem(501, 'no_events_here', 'Events would hold a thread of Orthanc for each page: poll instead.')
    answer_with(output, *ask_service(settings, caller, method, target, headers, body))


def start():
    settings = Settings(json.loads(orthanc.GetConfiguration()), os.environ)
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'explorer.js'), encoding='utf-8') as file:
        explorer = file.read()

    def callback(output, uri, **request):
        try:
            body = request.get('body') or b''
            handle(settings, output, uri, request['method'], request['headers'], request.get('get'), body)
        except Problem as problem:
            is_page = uri.startswith('/plainview/review') and 'text/html' in request['headers'].get('accept', '')
            (answer_page if is_page and problem.code == 'service_away' else answer_problem)(output, problem)
        except Exception as error:  # noqa: BLE001 – Orthanc's own answer would show the traceback's text
            orthanc.LogError(f'Plainview: {request["method"]} {uri} failed: {type(error).__name__}: {error}')
            answer_problem(output, Problem(500, 'internal', "This is Plainview's fault; Orthanc's log says why."))

    orthanc.RegisterRestCallback('/plainview/.*', callback)
    orthanc.ExtendOrthancExplorer(explorer)


try:
    start()
except (ValueError, OSError) as problem:
    orthanc.LogError(f"Plainview: Orthanc's pages go without it: {problem}")
