#!/bin/sh
# Writes random values for the secrets of docker-compose.yml and docker-compose.scale.yml into secrets/, which git ignores.
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

# These are for docker-compose.scale.yml.
for name in postgresql_password orthanc_database_password plainview_database_password; do
  [ -s "$name" ] || random > "$name"
done
[ -s plainview_database_url ] || printf 'postgresql://plainview:%s@postgresql/plainview\n' \
  "$(cat plainview_database_password)" > plainview_database_url

# If one of the two was deleted or edited, Orthanc would refuse the service.
grep -qF "\"$(cat orthanc_password)\"" orthanc-users.json || {
  echo "No user in secrets/orthanc-users.json has the password of secrets/orthanc_password: delete both files, or correct one." >&2
  exit 1
}

grep -qF ":$(cat plainview_database_password)@" plainview_database_url || {
  echo "secrets/plainview_database_url does not have the password of secrets/plainview_database_password: correct one." >&2
  exit 1
}

# Service and database run as unprivileged users in their containers, and must be able to read the mounted files.
chmod 644 plainview_secret orthanc_password *_database_password plainview_database_url postgresql_password
echo "secrets/ is ready. Orthanc's pages: user admin, password in secrets/orthanc-users.json."
