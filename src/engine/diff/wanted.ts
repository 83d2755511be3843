/** What the source wants: its rows, read and made records of. @module */
import type { FieldType } from "../../core/types.ts";
import type { OpenDestination } from "../connect/connections.ts";
import { type Staging, table } from "../staging/staging.ts";
import { type Desired, stageDesired, stageExtract } from "./desired.ts";
import type { SyncField } from "./fields.ts";
import { stageLookups } from "./lookups.ts";
import { type Changed, stageChanged } from "./marks.ts";
import { maskSecrets, withSecrets } from "./masks.ts";
import type { PlanSyncInput } from "./plan-sync.ts";
import { sourceQuery } from "./source-query.ts";

/** What the rows are made into. */
export interface Into {
  readonly open: OpenDestination;
  readonly fields: readonly SyncField[];
  readonly keyTypes: readonly FieldType[];
  readonly keyType: "BIGINT" | "VARCHAR";
}

export interface Wanted {
  readonly desired: Desired;
  readonly ledger: string;
  /** Relation of the source's rows as they were read. */
  readonly rows: string;
  readonly warnings: readonly string[];
  readonly changed: Changed | undefined;
}

export async function stageWanted(
  staging: Staging,
  input: PlanSyncInput,
  { open, fields, keyTypes, keyType }: Into,
  signal: AbortSignal,
): Promise<Wanted> {
  const { sync, state, store, listen } = input;
  const { source } = await input.connections.source(sync.source.connection);
  const onRows = (done: number) => listen({ type: "progress", sync: sync.name, phase: "source", done });
  const secrets = await maskSecrets(input.world, sync);
  const changed =
    sync.diff === "warehouse"
      ? await stageChanged(
          staging,
          {
            ...{ sync, source, fields, keyTypes, keyType, store, tool: input.tool },
            lineage: state.lineage,
            held: state.syncs[sync.name]?.marks,
            secrets: secrets.check,
            onRows,
          },
          signal,
        )
      : undefined;
  const extract = changed ? undefined : await source.extract(sourceQuery(sync), signal);
  const extracted = changed?.rows ?? (extract ? await stageExtract(staging, "source_rows", extract, onRows) : "");
  const rows = secrets.pads.size > 0 && extract?.kind === "relation" ? await copied(staging, extracted) : extracted;
  const lookups = await stageLookups(staging, { sync, fields, source: rows, open }, signal);
  const relation = extract?.kind === "relation" && secrets.pads.size === 0;
  const desired = await withSecrets(staging, secrets, () =>
    stageDesired(staging, {
      sync,
      fields,
      keyTypes,
      keyType,
      source: rows,
      lookups,
      materialise: !relation || sync.source.query !== undefined || lookups.size > 0,
      changed,
    }),
  );
  return { desired, ledger: table("ledger"), rows, warnings: changed?.warnings ?? [], changed };
}

/** The rows of a relation, read before the engine knows a secret that a query could ask it for. */
async function copied(staging: Staging, relation: string): Promise<string> {
  const copy = table("source_rows");
  await staging.run(`CREATE OR REPLACE TABLE ${copy} AS SELECT * FROM ${relation}`);
  return copy;
}
