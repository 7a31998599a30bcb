-- Run once as a superuser in the new database:  psql -d trainwatt -f roles.sql
-- Then give each role a password:  \password trainwatt_host
-- Three roles: the owner of the tables, the training hosts, and those who only read. Give people and programs a role of their own, and
-- make it a member: CREATE ROLE ada LOGIN IN ROLE trainwatt_read;

CREATE ROLE trainwatt_owner LOGIN;
CREATE ROLE trainwatt_host LOGIN;
CREATE ROLE trainwatt_read LOGIN;

CREATE SCHEMA trainwatt AUTHORIZATION trainwatt_owner;
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = trainwatt', current_database()); END $$;

-- Hosts bring their runs: a run that goes on is changed, and points that were thinned out are deleted. They cannot change the schema.
GRANT USAGE ON SCHEMA trainwatt TO trainwatt_host, trainwatt_read;
ALTER DEFAULT PRIVILEGES FOR ROLE trainwatt_owner IN SCHEMA trainwatt GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO trainwatt_host;
ALTER DEFAULT PRIVILEGES FOR ROLE trainwatt_owner IN SCHEMA trainwatt GRANT SELECT ON TABLES TO trainwatt_read;

-- A question of a reader that takes too long ends.
ALTER ROLE trainwatt_read SET statement_timeout = '60s';
ALTER ROLE trainwatt_read SET default_transaction_read_only = on;
