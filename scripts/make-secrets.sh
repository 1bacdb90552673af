#!/bin/sh
# Writes random values for the secrets of docker-compose.yml into secrets/, which git ignores.
# Existing files stay, so a second run changes nothing.
set -eu
cd "$(dirname "$0")/.."
umask 077
mkdir -p secrets
cd secrets

random() {
  od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}

[ -s plainview_secret ] || random > plainview_secret
[ -s orthanc_password ] || random > orthanc_password
[ -s orthanc-users.json ] || printf '{\n  "RegisteredUsers": {\n    "admin": "%s",\n    "plainview": "%s"\n  }\n}\n' \
  "$(random)" "$(cat orthanc_password)" > orthanc-users.json

# If one of the two was deleted or edited, Orthanc would refuse the service.
grep -qF "\"$(cat orthanc_password)\"" orthanc-users.json || {
  echo "No user in secrets/orthanc-users.json has the password of secrets/orthanc_password: delete both files, or correct one." >&2
  exit 1
}

# The service runs as an unprivileged user in its container, and must be able to read the mounted files.
chmod 644 plainview_secret orthanc_password
echo "secrets/ is ready. Orthanc's pages: user admin, password in secrets/orthanc-users.json."
