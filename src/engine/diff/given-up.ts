import type { RejectCode } from "../../core/plan.ts";
import { ident, literal } from "../../core/sql.ts";
import { type Staging, table } from "../staging/staging.ts";
import { wantedSql } from "../state/quarantine.ts";
import type { DiffInput, Side } from "./diff.ts";

/**
 * Takes out the changes that the destination has rejected often enough, as long as they want the same; and, where
 * nothing was read, creates of which it is not known whether they landed.
 */
export async function holdGivenUp(
  staging: Staging,
  { sync, fields, quarantine, observed }: DiffInput,
  sides: readonly Side[],
): Promise<void> {
  if (quarantine === null) return;
  const held = `read_parquet(${literal(quarantine)})`;
  if (observed === null && sides.includes("fresh"))
    await staging.run(hold("fresh", held, "IN_DOUBT", "q.code = 'IN_DOUBT'"));
  if (sync.giveUpAfter === 0) return;
  const image = (prefix: string) =>
    `struct_pack(${fields.map(({ name }, i) => `${ident(name)} := t.${prefix}${i}`).join(", ")})`;
  for (const side of sides) {
    const after = image(side === "standing" && sync.onDrift === "keep" ? "l" : "a");
    const wanted = `CASE WHEN t.action = 'delete' THEN ${wantedSql("CAST(NULL AS VARCHAR)")} ELSE ${wantedSql(after)} END`;
    await staging.run(hold(side, held, "GIVEN_UP", `q.attempts >= ${sync.giveUpAfter} AND q.wanted = ${wanted}`));
  }
}

function hold(side: string, held: string, code: RejectCode, condition: string): string {
  return `UPDATE ${table(side)} t SET problem = struct_pack(code := ${literal(code)}, field := CAST(NULL AS VARCHAR))
    FROM ${held} q WHERE CAST(t.key AS VARCHAR) = q.key AND t.action = q.action AND t.problem IS NULL AND ${condition}`;
}
