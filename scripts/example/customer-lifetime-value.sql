-- What the analysts left in Snowflake: 20,000 customers and what each is worth.
CREATE SCHEMA demo.nexla;
CREATE TABLE demo.nexla.customer (email VARCHAR, lifetime_value NUMBER(24, 6));
INSERT INTO demo.nexla.customer
  SELECT 'user' || n || '@example.com', (MOD(n * 7919, 900000) * 0.013377)::NUMBER(24, 6)
  FROM (SELECT SEQ4() + 1 AS n FROM TABLE(GENERATOR(ROWCOUNT => 19995)));

-- Two test accounts that nobody took out: no currency field of Salesforce holds so much.
UPDATE demo.nexla.customer SET lifetime_value = 123456789012345678.9
  WHERE email IN ('user701@example.com', 'user702@example.com');

-- Five customers who signed up twice; e-mails are the same in any case of their letters.
INSERT INTO demo.nexla.customer
  SELECT 'USER' || n || '@Example.com', 10 FROM (SELECT SEQ4() + 801 AS n FROM TABLE(GENERATOR(ROWCOUNT => 5)));
