/**
 * How much each free trial uses the product, on its deal in HubSpot. Snowflake computes it; Ebb makes the custom
 * properties that are missing, and writes what changed. `npm run example -- trial-usage` tries it without any account.
 *
 * @see trial-usage.md for credentials, the first plan, and the scheduled run.
 */
import { App, env, field, HubSpot, literal, Snowflake, State, Sync, SyncStack, sql } from "ebb";

/** Which deals are trials. HubSpot names pipelines and stages by their internal names. */
const trials = { pipeline: "default", stage: "qualifiedtobuy" };

/** Only a rehearsal and private links have an address of their own: without one, it is the real account. */
const at = (baseUrl: string | undefined) => (baseUrl ? { baseUrl } : {});

const app = new App();
const stack = new SyncStack(app, "trial-usage", { state: State.local(".ebb") });

const warehouse = new Snowflake(stack, "warehouse", {
  ...at(process.env.SNOWFLAKE_URL),
  account: env("SNOWFLAKE_ACCOUNT"),
  user: env("SNOWFLAKE_USER"),
  role: env("SNOWFLAKE_ROLE"),
  warehouse: env("SNOWFLAKE_WAREHOUSE"),
  privateKey: env("SNOWFLAKE_PRIVATE_KEY"),
  timeoutSeconds: 600,
});

const crm = new HubSpot(stack, "crm", {
  ...at(process.env.HUBSPOT_URL),
  accessToken: env("HUBSPOT_TOKEN"),
});

new Sync(stack, "trial-usage", {
  // A trial that has done nothing yet has zeros. One whose account the product does not know has nulls, not zeros.
  source: warehouse.query(sql`
    with runs_of_flow as (
      select flow_id, count(*) as runs, max(started_at)::date as last_active
      from demo.nexla.run
      group by flow_id
    ),
    usage as (
      select a.account_id,
             count(f.flow_id) as flows,
             coalesce(sum(r.runs), 0) as runs,
             count(distinct f.source_id) as sources,
             max(r.last_active) as last_active
      from demo.nexla.account a
      left join demo.nexla.flow f on f.account_id = a.account_id
      left join runs_of_flow r on r.flow_id = f.flow_id
      group by a.account_id
    )
    select d.deal_id, u.flows, u.runs, u.sources, u.last_active
    from demo.hubspot.deals d
    left join usage u on u.account_id = d.deal_properties:account_id::string
    where d.deal_properties:pipeline::string = ${literal(trials.pipeline)}
      and d.deal_properties:dealstage::string = ${literal(trials.stage)}
  `),
  key: "deal_id",
  destination: crm.object("deals", { matchOn: "deal_id" }),
  mode: "update", // usage never makes a deal
  missingFields: "create",
  fields: {
    number_of_flows: field("flows").whenNull("reject").public(),
    number_of_runs: field("runs").whenNull("reject").public(),
    number_of_sources: field("sources").whenNull("reject").public(),
    trial_last_active: field("last_active").public(),
  },
  // More than this in one run is no ordinary night: somebody should look at it first, and raise the number.
  guards: { maxChanges: 5_000 },
});

app.synth();
