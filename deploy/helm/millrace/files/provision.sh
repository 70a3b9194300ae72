#!/bin/sh
# Makes, for each service with tables: a database, the owner who migrates it, the login that works in it, and the two roles that the login takes on.
# Runs when the server's folder is empty. Passwords: OWNER_PASSWORD_<SERVICE> and DATABASE_PASSWORD_<SERVICE>.
# In a shell of its own: whoever starts it may read it into theirs.
(
  set -eu
  for schema in gateway orchestrator research llm_provider evaluation; do
    variable=$(echo "$schema" | tr '[:lower:]' '[:upper:]')
    eval "owner_password=\${OWNER_PASSWORD_$variable:?} login_password=\${DATABASE_PASSWORD_$variable:?}"
    psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
      --set owner="millrace_${schema}_owner" --set login="millrace_$schema" --set database="millrace_$schema" \
      --set tenant="millrace_${schema}_tenant" --set service="millrace_${schema}_service" \
      --set owner_password="$owner_password" --set login_password="$login_password" <<'SQL'
create role :"owner" login password :'owner_password';
create role :"login" login noinherit password :'login_password';
create role :"tenant" nologin;
create role :"service" nologin;
grant :"tenant", :"service" to :"owner", :"login";
create database :"database" owner :"owner";
revoke connect, temporary on database :"database" from public;
grant connect on database :"database" to :"login";
SQL
  done
)
