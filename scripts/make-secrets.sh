#!/bin/sh
# Writes the secrets that docker-compose.yml mounts, with random values, into secrets/ (which git ignores).
# What is there stays, so running it again changes nothing.
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

# One of the two was deleted, or edited: the service would be turned away for ever.
grep -qF "\"$(cat orthanc_password)\"" orthanc-users.json || {
  echo "No user in secrets/orthanc-users.json has the password of secrets/orthanc_password: delete both, or mend one." >&2
  exit 1
}

# The service runs as an ordinary user inside its container, and must be able to read what is mounted.
chmod 644 plainview_secret orthanc_password
echo "secrets/ is ready. Orthanc's pages: user admin, password in secrets/orthanc-users.json."
