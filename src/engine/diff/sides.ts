/** Reads the destination as far as the refresh level asks. @module */
import type { Refresh } from "../../core/sync.ts";
import type { FieldType, ObjectDescription } from "../../core/types.ts";
import type { OpenDestination } from "../connect/connections.ts";
import { type Staging, table } from "../staging/staging.ts";
import type { LedgerState } from "../state/state.ts";
import { type DiffInput, stageCandidates } from "./diff.ts";
import { type Observed, observe } from "./observe.ts";
import { typesOf } from "./saved.ts";

export interface SidesInput {
  readonly refresh: Refresh;
  readonly open: OpenDestination;
  readonly object: ObjectDescription;
  readonly keyTypes: readonly FieldType[];
  readonly recorded: LedgerState | undefined;
  readonly onPhase: (name: "destination" | "diff", total?: number) => void;
  readonly onRows: (done: number) => void;
}

/** The diff's input with both sides narrowed to what was read, and what was read. */
export async function stageSides(
  staging: Staging,
  base: DiffInput,
  input: SidesInput,
  signal: AbortSignal,
): Promise<{ diff: DiffInput; observed?: Observed }> {
  if (input.refresh === "off") return { diff: base };
  let { desired, ledger } = base;
  if (input.refresh === "changed") {
    input.onPhase("diff");
    await stageCandidates(staging, base);
    await staging.run(`CREATE OR REPLACE TABLE ${table("moved")} AS SELECT key FROM ${table("candidate")}`);
    const within = (relation: string) => `(SELECT * FROM ${relation} WHERE key IN (SELECT key FROM ${table("moved")}))`;
    desired = `(SELECT * FROM ${desired} WHERE key IS NULL OR key IN (SELECT key FROM ${table("moved")}) OR key IN (SELECT key FROM ${desired} GROUP BY key HAVING count(*) > 1))`;
    ledger = within(ledger);
  }
  input.onPhase("destination", input.object.recordCount);
  const observed = await observe(
    staging,
    {
      sync: base.sync,
      object: input.object,
      fields: base.fields,
      keyTypes: input.keyTypes,
      keyType: base.keyType,
      open: input.open,
      desired,
      ledger,
      since: sinceOf(base, input.recorded, input.refresh),
      onRows: input.onRows,
    },
    signal,
  );
  return { diff: { ...base, desired, ledger, observed: observed.sql, ambiguous: observed.ambiguous }, observed };
}

/** The ledger can stand for what has not changed since only when it holds every field, as it was observed. */
function sinceOf({ sync, fields }: DiffInput, recorded: LedgerState | undefined, refresh: Refresh): string | null {
  if (refresh !== "full" || sync.onDrift === "keep" || !recorded) return null;
  const types = JSON.stringify(typesOf(fields));
  return JSON.stringify(recorded.types) === types ? recorded.observedAt : null;
}
