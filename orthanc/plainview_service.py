"""Signed calls of explorer_plugin.py to Plainview's service. The secret itself is never sent."""

import hashlib
import hmac
import http.client
import json
import re
import secrets
import socket
import time
from urllib.parse import quote, urlsplit

MAX_ANSWER_BYTES = 64 * 1024 * 1024
TIMEOUT_S = 20

# The service gets only these headers: no Authorization, no cookies, no X-Plainview-… of the client, no hop-by-hop
# headers.
FORWARDED_HEADERS = (
    'accept', 'accept-language', 'content-type', 'if-match', 'if-modified-since', 'if-none-match',
    'sec-fetch-site',
)  # fmt: skip


class Problem(Exception):
    """An error in the form of the service's API: a code, and a sentence that ends with what to do."""

    def __init__(self, status, code, title):
        super().__init__(title)
        self.status, self.code, self.title = status, code, title


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


def mac_of(key, *parts):
    return hmac.new(key, '\n'.join(parts).encode(), hashlib.sha256).hexdigest()


class Service:
    """Raises a ValueError that names the wrong option."""

    def __init__(self, url, environment):
        hook = environment.get('PLAINVIEW_HOOK_URL', '')
        url = url or environment.get('PLAINVIEW_URL') or re.sub(r'/hook/?$', '', hook)
        try:
            parts = urlsplit(url or 'http://127.0.0.1:8104')
            self.host, self.port = parts.hostname, parts.port
        except (ValueError, AttributeError, TypeError):
            raise ValueError('Plainview.Url (or PLAINVIEW_URL) is not a URL.') from None
        if parts.scheme not in ('http', 'https') or not self.host or parts.username or parts.query or parts.fragment:
            raise ValueError('Plainview.Url (or PLAINVIEW_URL) must be http(s)://host:port, without user or query.')
        self.connect = http.client.HTTPSConnection if parts.scheme == 'https' else http.client.HTTPConnection
        self.base = parts.path.rstrip('/')
        # The service makes the same keys: see src/access/keys.ts.
        secret = read_secret(environment).encode()
        self.request_key, self.answer_key = (
            hmac.new(secret, purpose, hashlib.sha256).digest() for purpose in (b'plainview request', b'plainview answer')
        )

    def sign(self, caller, method, target, body):
        """The headers that name the caller, and prove that this Orthanc sends exactly this request, now and once."""
        user, role = quote(caller[0]), caller[1]
        parts = str(int(time.time() * 1000)), secrets.token_hex(16), hashlib.sha256(body).hexdigest()
        signature = '.'.join((*parts, mac_of(self.request_key, *parts, method, target, user, role)))
        return {'X-Plainview-User': user, 'X-Plainview-Role': role, 'X-Plainview-Signature': signature}

    def call(self, caller, method, target, headers, body=b''):
        """Calls the service with the caller's name and role. Returns status, headers and body; raises Problem."""
        connection = self.connect(self.host, self.port, timeout=TIMEOUT_S)
        try:
            signed = self.sign(caller, method, target, body)
            forwarded = {name: headers[name] for name in FORWARDED_HEADERS if name in headers}
            connection.request(method, self.base + target, body, {**forwarded, **signed})
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
        if len(content) > MAX_ANSWER_BYTES:
            why = f'The answer is larger than the limit of {MAX_ANSWER_BYTES // 1024 // 1024} MB. Call the service itself.'
            raise Problem(502, 'answer_too_large', why)
        # Another program at this address could else run its scripts under Orthanc's address, with the reader's login.
        mime, digest = answer.getheader('content-type', ''), hashlib.sha256(content).hexdigest()
        expected = mac_of(self.answer_key, signed['X-Plainview-Signature'], str(answer.status), mime, digest)
        if not hmac.compare_digest(expected, answer.getheader('x-plainview-answer', '')):
            why = (
                'What answers at PLAINVIEW_URL does not prove that it is Plainview, so its answer is not shown. '
                'Give Orthanc and Plainview the same PLAINVIEW_SECRET and the same version of Plainview.'
            )
            raise Problem(502, 'service_refuses', why)
        if answer.status == 401:
            refusal = json.loads(content)
            raise Problem(502, refusal['code'], refusal['title'])
        return answer.status, answer.getheaders(), content
