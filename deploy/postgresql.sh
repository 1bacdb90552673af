# The image of PostgreSQL runs this when its volume is empty: the databases of Orthanc and Plainview, each with a user of its
# own.
for name in orthanc plainview; do
  psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres --set name="$name" \
    --set password="$(cat "/run/secrets/${name}_database_password")" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
SQL
done
