/** What the source wants: its rows, read and made records of. @module */
import type { FieldType } from "../../core/types.ts";
import type { OpenDestination } from "../connect/connections.ts";
import { type Staging, table } from "../staging/staging.ts";
import { type Desired, stageDesired, stageExtract } from "./desired.ts";
import type { SyncField } from "./fields.ts";
import { stageLookups } from "./lookups.ts";
import { type Changed, stageChanged } from "./marks.ts";
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
  const changed =
    sync.diff === "warehouse"
      ? await stageChanged(
          staging,
          {
            ...{ sync, source, fields, keyTypes, keyType, store, tool: input.tool },
            lineage: state.lineage,
            held: state.syncs[sync.name]?.marks,
            onRows,
          },
          signal,
        )
      : undefined;
  const extract = changed ? undefined : await source.extract(sourceQuery(sync), signal);
  const rows = changed?.rows ?? (extract ? await stageExtract(staging, "source_rows", extract, onRows) : "");
  const lookups = await stageLookups(staging, { sync, fields, source: rows, open }, signal);
  const desired = await stageDesired(staging, {
    sync,
    fields,
    keyTypes,
    keyType,
    source: rows,
    lookups,
    materialise: extract?.kind !== "relation" || sync.source.query !== undefined || lookups.size > 0,
    changed,
  });
  return { desired, ledger: table("ledger"), warnings: changed?.warnings ?? [], changed };
}
