"""Plainview in Orthanc's pages and under Orthanc's address. For Orthanc's `PythonScript`; needs Python 3.9.

- Orthanc Explorer shows Plainview's decisions, and buttons (explorer.js, in the folder of this file).
- /plainview/review/ and /plainview/api/ are a proxy for the service, behind Orthanc's login.
- /plainview/reclassify requests reclassification. While the service is away, Orthanc keeps the request.

Environment of Orthanc, the same as the hook's:
  PLAINVIEW_URL           address of the service; else PLAINVIEW_HOOK_URL without its /hook,
                          else http://127.0.0.1:8104
  PLAINVIEW_SECRET        the secret shared with the service, or
  PLAINVIEW_SECRET_FILE   a file that contains it

Section "Plainview" of Orthanc's configuration; every entry is optional:
  Url          instead of PLAINVIEW_URL
  Roles        {"name of a user in RegisteredUsers": "viewer" | "reviewer" | "admin"}
  DefaultRole  role of all other users that Orthanc admits ("viewer")

If one of these is wrong, the plugin logs it and does nothing else, because Orthanc itself must start.
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

MAX_REQUEST_BYTES = 256 * 1024
MAX_ANSWER_BYTES = 64 * 1024 * 1024
TIMEOUT_S = 20

# The service gets only these headers: no Authorization, no cookies, no X-Plainview-… of the client, no hop-by-hop
# headers.
FORWARDED_HEADERS = (
    'accept', 'accept-language', 'content-type', 'if-match', 'if-modified-since', 'if-none-match',
    'sec-fetch-site',
)  # fmt: skip
# The browser does not get these headers of the service.
BLOCKED_ANSWER_HEADERS = {
    'allow', 'connection', 'content-length', 'content-type', 'date', 'keep-alive', 'location', 'proxy-authenticate',
    'server', 'set-cookie', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'www-authenticate',
    'x-content-type-options',
}  # fmt: skip
# Characters that a query may contain without encoding (RFC 3986), and those that older browsers send.
QUERY_SAFE = "!$%&'()*+,-./:;=?@[]^_`{|}~"
# If a plugin answers with another status, for example 429, Orthanc drops the connection.
ALLOWED_STATUSES = {200, 201, 202, 204, 304, 400, 401, 403, 404, 409, 413, 415, 500, 501, 502, 503, 504}


class Problem(Exception):
    """An error in the form of the service's API: a code, and a sentence that ends with what to do."""

    def __init__(self, status, code, title):
        super().__init__(title)
        self.status, self.code, self.title = status, code, title


class Settings:
    """Options from Orthanc's configuration and environment. Raises a ValueError that names the wrong option."""

    def __init__(self, configuration, environment):
        section = configuration.get('Plainview', {})
        if not isinstance(section, dict) or set(section) - {'Url', 'Roles', 'DefaultRole'}:
            raise ValueError('"Plainview" in Orthanc\'s configuration may contain only Url, Roles and DefaultRole.')
        hook = environment.get('PLAINVIEW_HOOK_URL', '')
        url = section.get('Url') or environment.get('PLAINVIEW_URL') or re.sub(r'/hook/?$', '', hook)
        try:
            parts = urlsplit(url or 'http://127.0.0.1:8104')
            self.host, self.port = parts.hostname, parts.port
        except (ValueError, AttributeError, TypeError):
            raise ValueError('Plainview.Url (or PLAINVIEW_URL) is not a URL.') from None
        if parts.scheme not in ('http', 'https') or not self.host or parts.username or parts.query or parts.fragment:
            raise ValueError('Plainview.Url (or PLAINVIEW_URL) must be http(s)://host:port, without user or query.')
        self.connect = http.client.HTTPSConnection if parts.scheme == 'https' else http.client.HTTPConnection
        self.base = parts.path.rstrip('/')
        self.roles, self.default_role = section.get('Roles', {}), section.get('DefaultRole', 'viewer')
        if not isinstance(self.roles, dict) or any(role not in ROLES for role in self.roles.values()):
            raise ValueError('Plainview.Roles must give each user one of: ' + ', '.join(ROLES) + '.')
        if self.default_role not in ROLES:
            raise ValueError('Plainview.DefaultRole must be one of: ' + ', '.join(ROLES) + '.')
        self.users = configuration.get('RegisteredUsers') or {}
        self.secret = read_secret(environment)
        # A service that hangs must not block more than a third of Orthanc's threads.
        self.semaphore = threading.BoundedSemaphore(max(1, int(configuration.get('HttpThreadsCount', 50)) // 3))

    def caller(self, headers):
        """The caller's name and role. A caller has the name of a registered user only with that user's password."""
        scheme, _, credentials = headers.get('authorization', '').partition(' ')
        user = None
        if scheme.lower() == 'basic':
            try:
                name, _, password = base64.b64decode(credentials, validate=True).decode('utf-8').partition(':')
            except (binascii.Error, UnicodeDecodeError):
                name = password = ''
            expected = self.users.get(name)
            if isinstance(expected, str) and hmac.compare_digest(expected.encode(), password.encode()):
                user = name
        if user is None:
            return 'anonymous', self.default_role
        if len(user) > 64 or not all(letter.isalnum() or letter in ' ._@-' for letter in user):
            why = 'Plainview cannot record the name of this user. Rename the user in RegisteredUsers.'
            raise Problem(403, 'user_unnamable', why)
        return user, self.roles.get(user, self.default_role)


def read_secret(environment):
    secret, path = environment.get('PLAINVIEW_SECRET', ''), environment.get('PLAINVIEW_SECRET_FILE', '')
    if secret and path:
        raise ValueError('PLAINVIEW_SECRET and PLAINVIEW_SECRET_FILE are both set for Orthanc. Unset one.')
    if path:
        try:
            with open(path, encoding='utf-8') as file:
                secret = file.read()
        except OSError as error:
            why = f'PLAINVIEW_SECRET_FILE cannot be read: {error.strerror}. Make it readable for Orthanc.'
            raise ValueError(why) from None
    if not secret.strip():
        raise ValueError(f'PLAINVIEW_SECRET{"_FILE is empty" if path else " is not set"} for Orthanc.')
    return secret.strip()


def call_service(settings, caller, method, target, headers, body=b''):
    """Calls the service with the caller's name and role. Returns status, headers and body; raises Problem."""
    if not settings.semaphore.acquire(timeout=1):
        raise Problem(503, 'service_busy', 'Too many requests wait for Plainview. Try again in a moment.')
    connection = settings.connect(settings.host, settings.port, timeout=TIMEOUT_S)
    try:
        user, role = caller
        forwarded = {name: headers[name] for name in FORWARDED_HEADERS if name in headers}
        forwarded.update({
            'X-Plainview-Secret': settings.secret,
            'X-Plainview-User': quote(user),
            'X-Plainview-Role': role,
        })
        connection.request(method, settings.base + target, body, forwarded)
        answer = connection.getresponse()
        content = answer.read(MAX_ANSWER_BYTES + 1)
    except socket.timeout:
        why = f'Plainview did not answer within {TIMEOUT_S} s. Try again, and look into its log.'
        raise Problem(504, 'service_slow', why) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        why = f'Plainview does not answer ({type(error).__name__}). Check that it runs and that PLAINVIEW_URL is right.'
        raise Problem(503, 'service_away', why) from None
    finally:
        connection.close()
        settings.semaphore.release()
    if answer.status == 401:
        why = 'Plainview refuses the secret of this Orthanc. Make PLAINVIEW_SECRET the same for both.'
        raise Problem(502, 'service_refuses', why)
    if len(content) > MAX_ANSWER_BYTES:
        why = f'The answer is larger than the limit of {MAX_ANSWER_BYTES // 1024 // 1024} MB. Call the service itself.'
        raise Problem(502, 'answer_too_large', why)
    return answer.status, answer.getheaders(), content


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


def service_target(path, query):
    """The service's path and query for a request to the plugin. Orthanc has removed `..`, `//` and a `/` at the end.
    Orthanc 1.12 passes queries as they were sent, and 1.13 decodes them. So this encodes only what is not encoded."""
    path = '/review/' if path == '/review' else path
    if not re.fullmatch(r'/(api|review)/[A-Za-z0-9._~/-]*', path) or '..' in path:
        raise Problem(404, 'route_unknown', 'There is nothing at this address. The README lists the addresses.')
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


def session(settings, caller):
    """The caller's name and role, and whether the service answers."""
    service = {'answers': True}
    try:
        call_service(settings, caller, 'GET', '/api/v1/sweep', {})
    except Problem as problem:
        service = {'answers': False, 'why': problem.title}
    return {'who': caller[0], 'role': caller[1], 'service': service}


def reclassify(settings, caller, body):
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
    if not ids or not all(isinstance(each, str) and re.fullmatch('[0-9a-f]{8}(-[0-9a-f]{8}){4}', each) for each in ids):
        why = "The request cannot be understood: resources must contain one or more of Orthanc's identifiers."
        raise Problem(400, 'request_malformed', why)
    selection = json.dumps({'selection': {'ids': ids}}).encode()
    try:
        headers = {'content-type': 'application/json', 'accept': 'application/json'}
        status, _, content = call_service(settings, caller, 'POST', '/api/v1/requests', headers, selection)
        if status < 500:
            return status, json.loads(content)
    except Problem:
        pass  # The request is kept in Orthanc instead, see below.
    when = datetime.now(timezone.utc).isoformat(timespec='milliseconds').replace('+00:00', 'Z')
    request = json.dumps({'who': caller[0], 'when': when}).encode()
    found = json.loads(orthanc.RestApiPost('/tools/bulk-content', json.dumps({'Resources': ids, 'Short': True})))
    for resource in found:
        orthanc.RestApiPut(f'/{PATHS[resource["Type"]]}/{resource["ID"]}/metadata/{REQUEST}', request)
    if not found:
        raise Problem(404, 'resource_unknown', 'Orthanc has none of these resources. Reload the page.')
    return 202, {'kept': len(found)}


def handle(settings, output, uri, method, headers, query, body):
    path = uri[len('/plainview'):]
    caller = settings.caller(headers)
    check_request(method, headers, body)
    if path == '/session' and method == 'GET':
        return answer_json(output, 200, session(settings, caller))
    if path == '/reclassify' and method == 'POST':
        return answer_json(output, *reclassify(settings, caller, body))
    target = service_target(path, query)
    if path == '/api/v1/events':
        raise Problem(501, 'no_events_here', 'Events would use a thread of Orthanc for each page. Poll instead.')
    answer_with(output, *call_service(settings, caller, method, target, headers, body))


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
