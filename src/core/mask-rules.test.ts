import { describe, expect, test } from "vitest";
import { bucketLabels, maskWords } from "./masks.ts";
import type { FieldMapping } from "./sync.ts";
import { fieldMapping } from "./sync.ts";
import { type Declared, syncProblems } from "./sync-rules.ts";

const declared: Declared = new Map();
const secret = "env:KEY";
const noise = { epsilon: 1, sensitivity: 2, secret };

/** What is wrong with a mapping of the field `f`, as attribute and sentence. */
function problems(mapping: FieldMapping, matchOn = ["id"]): readonly string[] {
  const sync = { key: ["id"], destination: { connection: "crm", object: "o", matchOn }, fields: { f: mapping } };
  return syncProblems(sync, "sync", declared)
    .filter(({ path }) => path[0] === "fields")
    .map(({ path, message }) => `${path.slice(2).join(".")}: ${message}`);
}

describe("masks that go together with nothing", () => {
  test.each<[FieldMapping, string]>([
    [{ hash: "md5", tokenise: { secret } }, ": hash and tokenise each replace the value; choose one"],
    [{ redact: "x", noise }, ": redact and noise each replace the value; choose one"],
    [{ bucket: { width: 1 }, noise }, ": bucket and noise each replace the value; choose one"],
    [{ hashAs: "email" }, "hashAs: means nothing without hash"],
    [{ tokenise: { secret }, truncate: 8 }, "truncate: cuts what tokenise has made; set tokenise.length instead"],
    [{ noise, truncate: 8 }, "truncate: cuts what noise has made"],
    [{ noise, cast: "text" }, "noise: needs a number, and cast makes it text"],
    [{ noise, changeCase: "upper" }, "noise: needs a number, and changeCase makes text"],
    [{ bucket: { width: 10 }, cast: "boolean" }, "bucket: needs a number, and cast makes it boolean"],
    [{ bucket: { by: "month" }, cast: "integer" }, "bucket: needs a date, and cast makes it integer"],
    [{ bucket: { by: "month" }, round: 2 }, "bucket: needs a date, and round makes a number"],
    [{ bucket: {} }, "bucket: needs exactly one of width, edges or by; there is none"],
    [{ bucket: { width: 1, by: "day" } }, "bucket: needs exactly one of width, edges or by; there are width and by"],
    [{ bucket: { edges: [1, 1] } }, "bucket: has edges that do not ascend"],
    [{ noise: { ...noise, min: 2, max: 2 } }, "noise: has a min that is not below its max"],
  ])("%j", (mapping, problem) => {
    expect(problems({ column: "c", ...mapping })).toEqual([problem]);
  });

  test("nor with a value that has nothing to hide, is text, or leads to the record", () => {
    expect(problems({ constant: "c", tokenise: { secret } })).toEqual([
      "tokenise: has nothing to hide: the value is the same for every record",
    ]);
    expect(problems({ template: "{a}", noise })).toEqual(["noise: needs a number, and a template is text"]);
    expect(problems({ lookup: { object: "A", matchOn: "b", column: "c" }, bucket: { width: 1 } })).toEqual([
      "bucket: needs a number, and a lookup gives an id",
    ]);
    expect(problems({ column: "c", redact: "x" }, ["f"])).toEqual([
      "redact: stands on a field that records are found by, which would find none of them again",
    ]);
  });

  test.each<FieldMapping>([
    { hash: "sha256", hashAs: "phone", truncate: 16, trim: true },
    { tokenise: { secret, length: 16 }, changeCase: "lower", default: "none" },
    { redact: "[redacted]", values: { a: "b" } },
    { bucket: { width: 0.5 }, cast: "decimal", round: 2 },
    { bucket: { edges: [-1, 0, 1.5] } },
    { bucket: { by: "week" }, cast: "timestamp" },
    { noise: { ...noise, min: 0, max: 1 }, round: 2, trim: true },
  ])("%j is fine", (mapping) => {
    expect(problems({ column: "c", ...mapping })).toEqual([]);
    expect(fieldMapping.safeParse({ column: "c", ...mapping }).success).toBe(true);
  });
});

test.each([{ tokenise: { secret: "hunter2" } }, { noise: { ...noise, secret: "hunter2hunter2hunter2" } }])(
  "a secret in plain text is refused: %j",
  (mapping) => {
    const { error } = fieldMapping.safeParse(mapping);
    expect(error?.issues.map(({ message }) => message)).toEqual(["SECRET_LITERAL"]);
  },
);

test.each([
  { tokenise: { secret, length: 15 } },
  { noise: { ...noise, epsilon: 0 } },
  { noise: { ...noise, sensitivity: -1 } },
  { bucket: { width: 0 } },
  { bucket: { edges: [] } },
  { hash: "sha256", hashAs: "Email" },
  { redact: "" },
])("out of range: %j", (mapping) => {
  expect(fieldMapping.safeParse(mapping).success).toBe(false);
});

test("buckets are labelled by the numbers that are in them", () => {
  expect(bucketLabels([0, 100, 1000])).toEqual(["<0", "0-99", "100-999", "1000+"]);
  expect(bucketLabels([18])).toEqual(["<18", "18+"]);
});

test("masks are put into words, in the order of their steps", () => {
  expect(maskWords({ column: "c", trim: true, round: 2, default: "x" })).toBeUndefined();
  expect(maskWords({ hash: "sha256", hashAs: "email", truncate: 8 })).toBe("hash sha256 (email), truncate to 8");
  expect(maskWords({ tokenise: { secret, length: 16 } })).toBe("tokenise, 16 digits");
  expect(maskWords({ bucket: { edges: [0, 10] } })).toBe("bucket edges 0, 10");
});
