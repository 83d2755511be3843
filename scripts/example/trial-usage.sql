-- The product's own tables: accounts, their flows, and 14,000 runs.
CREATE SCHEMA demo.nexla;
CREATE TABLE demo.nexla.account (account_id VARCHAR, name VARCHAR);
CREATE TABLE demo.nexla.flow (flow_id NUMBER(18, 0), account_id VARCHAR, source_id NUMBER(18, 0));
CREATE TABLE demo.nexla.run (run_id NUMBER(18, 0), flow_id NUMBER(18, 0), started_at TIMESTAMP_NTZ);

INSERT INTO demo.nexla.account
  SELECT 'acc-' || n, 'Account ' || n FROM (SELECT SEQ4() + 1 AS n FROM TABLE(GENERATOR(ROWCOUNT => 2040)));
INSERT INTO demo.nexla.flow
  SELECT n, 'acc-' || (MOD(n * 7, 1000) + 1), MOD(n * n, 23)
  FROM (SELECT SEQ4() + 1 AS n FROM TABLE(GENERATOR(ROWCOUNT => 3000)));
INSERT INTO demo.nexla.run
  SELECT n, MOD(n * 13, 2800) + 1, DATEADD(hour, MOD(n * 11, 900), '2026-07-01'::TIMESTAMP_NTZ)
  FROM (SELECT SEQ4() + 1 AS n FROM TABLE(GENERATOR(ROWCOUNT => 14000)));

-- HubSpot's deals as they were replicated last night: 1,240 trials, 40 of which HubSpot has no longer.
CREATE SCHEMA demo.hubspot;
CREATE TABLE demo.hubspot.deals (deal_id VARCHAR, deal_properties VARIANT);
INSERT INTO demo.hubspot.deals
  SELECT 'D-' || n, OBJECT_CONSTRUCT('dealname', 'Deal ' || n, 'account_id', 'acc-' || n, 'pipeline', 'default',
                                     'dealstage', CASE WHEN n <= 1240 THEN 'qualifiedtobuy' ELSE 'closedwon' END)
  FROM (SELECT SEQ4() + 1 AS n FROM TABLE(GENERATOR(ROWCOUNT => 2040)));

-- The replication wrote three deals twice.
INSERT INTO demo.hubspot.deals SELECT deal_id, deal_properties FROM demo.hubspot.deals WHERE deal_id IN ('D-501', 'D-502', 'D-503');
