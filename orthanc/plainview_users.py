"""Who calls explorer_plugin.py, and what Orthanc lets this user see.

Orthanc asks its filters (the Lua function IncomingHttpRequestFilter, the authorization plugin) only about requests from
outside. So the plugin asks Orthanc over HTTP, with the user's own headers: may this user read that resource?
"""

import base64
import binascii
import hashlib
import hmac
import http.client
import json
import re
import ssl
import threading
import time
from collections import OrderedDict

import orthanc

from plainview_service import Problem

ROLES = ('viewer', 'reviewer', 'admin')
ASK_TIMEOUT_S = 5
REMEMBERED_S = 5
MAX_REMEMBERED = 5000
MAX_KEPT = 2

# Only who may list all instances sees what Plainview tells of many patients.
LIST = '/instances?since=0&limit=1'
PROFILE = '/auth/user/profile'
ORTHANC_ID = '[0-9a-f]{8}(?:-[0-9a-f]{8}){4}'
# These tell nothing of a patient. The id of a job is random, and known to those who may see it.
FREE = re.compile('/review/.*|/api/v1/(me|categories|status|openapi[.]json|requests/[0-9a-f-]{36})')
RESOURCE = re.compile(f'/api/v1/((instances|studies)/{ORTHANC_ID})(/[a-z]+)?')
HANGING = re.compile('/api/v1/studies/([0-9.]{1,64})/hanging')

# Headers that do not say who the user is. All others go with the question: a filter may read any of them.
OTHER_HEADERS = re.compile(
    'accept.*|cache-control|connection|content-.*|dnt|expect|host|if-.*|keep-alive|origin|pragma|priority|range|referer|'
    'sec-.*|te|trailer|transfer-encoding|upgrade.*|user-agent|x-plainview-.*'
)


class Users:
    """Options from Orthanc's configuration. Raises a ValueError that names the wrong option."""

    def __init__(self, configuration, section):
        self.roles, self.default_role = section.get('Roles', {}), section.get('DefaultRole', 'viewer')
        self.group_roles, self.permission_roles = section.get('GroupRoles', {}), section.get('PermissionRoles', {})
        for name in ('Roles', 'GroupRoles', 'PermissionRoles'):
            roles = section.get(name, {})
            if not isinstance(roles, dict) or any(role not in ROLES for role in roles.values()):
                raise ValueError(f'Plainview.{name} must give each name one of: ' + ', '.join(ROLES) + '.')
        if self.default_role not in ROLES:
            raise ValueError('Plainview.DefaultRole must be one of: ' + ', '.join(ROLES) + '.')
        self.users = configuration.get('RegisteredUsers') or {}
        self.has_profiles = bool(configuration.get('Authorization'))
        if configuration.get('SslVerifyPeers'):
            raise ValueError('SslVerifyPeers is on, so the plugin cannot ask Orthanc what a user may see.')
        host = (configuration.get('HttpBindAddresses') or ['127.0.0.1'])[0]
        host, port = '127.0.0.1' if host == '0.0.0.0' else host, int(configuration.get('HttpPort', 8042))
        self.connect = lambda: http.client.HTTPConnection(host, port, timeout=ASK_TIMEOUT_S)
        if configuration.get('SslEnabled'):
            # It is this process itself, so its certificate proves nothing more.
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.connect = lambda: http.client.HTTPSConnection(host, port, timeout=ASK_TIMEOUT_S, context=context)
        self.connections = []
        self.remembered, self.lock = OrderedDict(), threading.Lock()

    def caller(self, headers):
        """The caller's name and role. A caller has the name of a registered user only with that user's password."""
        user = self.registered(headers)
        role = self.roles.get(user, self.default_role)
        if user is None and self.has_profiles:
            user, role = self.profiled(headers)
        if user is None:
            return 'anonymous', self.default_role
        if len(user) > 64 or not all(letter.isalnum() or letter in ' ._@-' for letter in user):
            why = 'Plainview cannot record the name of this user. Use letters, digits, spaces and ._@- in it, 64 at most.'
            raise Problem(403, 'user_unnamable', why)
        return user, role

    def registered(self, headers):
        scheme, _, credentials = headers.get('authorization', '').partition(' ')
        if scheme.lower() != 'basic':
            return None
        try:
            name, _, password = base64.b64decode(credentials, validate=True).decode('utf-8').partition(':')
        except (binascii.Error, UnicodeDecodeError):
            return None
        expected = self.users.get(name)
        matches = isinstance(expected, str) and hmac.compare_digest(expected.encode(), password.encode())
        return name if matches else None

    def profiled(self, headers):
        """Name and role from the authorization plugin's profile of the user's token."""
        _, content = self.ask(PROFILE, headers)
        try:
            profile = json.loads(content)
            given = [self.group_roles[each] for each in profile.get('groups', []) if each in self.group_roles]
            given += [self.permission_roles[each] for each in profile['permissions'] if each in self.permission_roles]
            name = str(profile['name'])
        except (ValueError, KeyError, TypeError, AttributeError):
            return None, self.default_role  # The authorization plugin knows no user for this request.
        return name or None, max(given, key=ROLES.index, default=self.default_role)

    def may_list(self, headers):
        return self.ask(LIST, headers)[0] == 200

    def require(self, resource, headers):
        """Raises a Problem if Orthanc does not let the user read the resource, such as `studies/…`."""
        status, _ = self.ask('/' + resource, headers)
        if status == 404:
            raise Problem(404, 'resource_unknown', 'Orthanc has none of these resources. Reload the page.')
        if status != 200:
            why = 'Orthanc does not let you see this study or instance. Ask the administrator of Orthanc.'
            raise Problem(403, 'not_permitted', why)

    def permit(self, path, query, headers):
        """Raises a Problem if the user may not see what the service answers at this path. Returns the query to use."""
        resource, hanging = RESOURCE.fullmatch(path), HANGING.fullmatch(path)
        if FREE.fullmatch(path):
            return query
        if resource:
            self.require(resource.group(1), headers)
        elif hanging:
            for found in json.loads(orthanc.RestApiPost('/tools/lookup', hanging.group(1))):
                if found['Type'] == 'Study':
                    self.require('studies/' + found['ID'], headers)
            if not self.may_list(headers):
                return 'priors=false'
        elif not self.may_list(headers):
            why = (
                'Orthanc lets you see only a part of its archive, and this page tells of all of it. '
                'Open a study in Orthanc, and Plainview from there.'
            )
            raise Problem(403, 'user_limited', why)
        return query

    def ask(self, target, headers):
        """Status and body of Orthanc's answer to a GET of this user. A yes is remembered for some seconds."""
        own = {name: value for name, value in headers.items() if not OTHER_HEADERS.fullmatch(name)}
        key = hashlib.sha256(json.dumps([target, sorted(own.items())]).encode()).digest()
        now = time.monotonic()
        with self.lock:
            while self.remembered and next(iter(self.remembered.values()))[0] < now:
                self.remembered.popitem(last=False)
            if key in self.remembered:
                return self.remembered[key][1]
        encoded = {name: value.encode() for name, value in own.items()}
        try:
            status, content = self.get(target, encoded)
        except (OSError, http.client.HTTPException, ValueError) as error:
            orthanc.LogWarning(f'Plainview: Orthanc did not say what a user may see: {type(error).__name__}: {error}')
            why = f'Orthanc did not say within {ASK_TIMEOUT_S} s whether you may see this. Try again in a moment.'
            raise Problem(503, 'orthanc_busy', why) from None
        # Of a resource only the status counts.
        result = status, content if target == PROFILE else b''
        if result[0] == 200:
            with self.lock:
                self.remembered[key] = now + REMEMBERED_S, result
                if len(self.remembered) > MAX_REMEMBERED:
                    self.remembered.popitem(last=False)
        return result

    def get(self, target, headers):
        """Sends a GET to Orthanc. Two connections are kept open: a new one must wait while browsers use all of Orthanc's
        threads."""
        while True:
            with self.lock:
                kept = self.connections.pop() if self.connections else None
            connection = kept or self.connect()
            try:
                connection.request('GET', target, headers=headers)
                answer = connection.getresponse()
                result = answer.status, answer.read()
            except ConnectionError:
                connection.close()
                if kept:
                    continue  # Orthanc closes a connection that was not used for some time.
                raise
            except (OSError, http.client.HTTPException, ValueError):
                connection.close()
                raise
            with self.lock:
                if len(self.connections) < MAX_KEPT:
                    self.connections.append(connection)
                    return result
            connection.close()
            return result
