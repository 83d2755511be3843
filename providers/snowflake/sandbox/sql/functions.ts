/** The vendor's functions that the engine writes in another way. @module */
import { unsupported } from "./failure.ts";

type Write = (args: readonly string[]) => string;

const as =
  (name: string): Write =>
  (args) =>
    `${name}(${args.join(", ")})`;

type WriteUnit = (unit: string, first?: string, second?: string) => string;

const intervals: Readonly<Record<string, string>> = {
  year: "to_years(1)",
  quarter: "to_months(3)",
  month: "to_months(1)",
  week: "to_days(7)",
  day: "to_days(1)",
  hour: "to_hours(1)",
  minute: "to_minutes(1)",
  second: "to_seconds(1)",
  millisecond: "to_milliseconds(1)",
  microsecond: "to_microseconds(1)",
};

function interval(unit: string): string {
  const found = intervals[unit] ?? intervals[unit.replace(/s$/, "")];
  if (!found) throw unsupported(`date part ${unit}`);
  return found;
}

const add: WriteUnit = (unit, count = "0", to = "NULL") =>
  `(sf_ntz6(${to}) + ${interval(unit)} * CAST(${count} AS BIGINT))`;
const difference: WriteUnit = (unit, from = "NULL", to = "NULL") =>
  `date_diff('${unit.replace(/s$/, "")}', sf_ntz6(${from}), sf_ntz6(${to}))`;

/** Functions whose first argument is a part of a date. */
export const unitFirst: Readonly<Record<string, WriteUnit>> = {
  DATEADD: add,
  TIMEADD: add,
  TIMESTAMPADD: add,
  DATEDIFF: difference,
  TIMEDIFF: difference,
  TIMESTAMPDIFF: difference,
  DATE_PART: (unit, value = "NULL") => `date_part('${unit}', sf_ntz6(${value}))`,
  DATE_TRUNC: (unit, value = "NULL") => `date_trunc('${unit}', sf_ntz6(${value}))`,
};

/** Values that may be written without parentheses. */
export const valueFunctions: Readonly<Record<string, string>> = {
  CURRENT_TIMESTAMP: "now()",
  SYSDATE: "now()",
  GETDATE: "now()",
  LOCALTIMESTAMP: "now()",
  CURRENT_DATE: "CAST(now() AS DATE)",
  CURRENT_TIME: "CAST(now() AS TIME)",
};

export const functions: Readonly<Record<string, Write>> = {
  TO_VARCHAR: as("sf_to_varchar"),
  TO_CHAR: as("sf_to_varchar"),
  TO_JSON: as("sf_to_json"),
  TO_VARIANT: as("sf_variant"),
  TO_OBJECT: as("sf_variant"),
  TO_ARRAY: as("sf_variant"),
  PARSE_JSON: as("sf_parse_json"),
  TRY_PARSE_JSON: ([text]) => `TRY(sf_parse_json(${text}))`,
  TO_DATE: as("sf_date"),
  TRY_TO_DATE: ([text]) => `TRY(sf_date(${text}))`,
  TO_TIME: as("sf_time9"),
  TO_TIMESTAMP: as("sf_ntz9"),
  TO_TIMESTAMP_NTZ: as("sf_ntz9"),
  TO_TIMESTAMP_LTZ: as("sf_ltz9"),
  TO_TIMESTAMP_TZ: as("sf_tz"),
  TRY_TO_TIMESTAMP: ([text]) => `TRY(sf_ntz9(${text}))`,
  TRY_TO_TIMESTAMP_NTZ: ([text]) => `TRY(sf_ntz9(${text}))`,
  CONVERT_TIMEZONE: as("sf_convert_timezone"),
  TO_BOOLEAN: ([value]) => `CAST(sf_text(${value}) AS BOOLEAN)`,
  TO_DOUBLE: ([value]) => `CAST(sf_text(${value}) AS DOUBLE)`,
  ...Object.fromEntries(
    ["TO_NUMBER", "TO_DECIMAL", "TO_NUMERIC", "TRY_TO_NUMBER", "TRY_TO_DECIMAL", "TRY_TO_NUMERIC"].map((name) => [
      name,
      ([value, precision = "38", scale = "0"]: readonly string[]) =>
        `${name.startsWith("TRY") ? "TRY_CAST" : "CAST"}(sf_text(${value}) AS DECIMAL(${precision}, ${scale}))`,
    ]),
  ),
  TO_BINARY: as("sf_binary"),
  HEX_ENCODE: as("hex"),
  TO_GEOGRAPHY: as("sf_geography"),
  ST_GEOGRAPHYFROMTEXT: as("sf_geography"),
  TO_GEOMETRY: as("sf_geometry"),
  ST_ASGEOJSON: as("sf_geojson"),
  OBJECT_CONSTRUCT: (args) => `json_merge_patch('{}', json_object(${args.join(", ")}))`,
  OBJECT_CONSTRUCT_KEEP_NULL: as("json_object"),
  ARRAY_CONSTRUCT: as("json_array"),
  ARRAY_AGG: ([item = "NULL"]) =>
    `coalesce(to_json(list(${item}) FILTER (${item.replace(/^DISTINCT /, "")} IS NOT NULL)), CAST('[]' AS JSON))`,
  ARRAY_SIZE: as("json_array_length"),
  GET_PATH: ([value, path]) => `json_extract(${value}, '$.' || ${path})`,
  TYPEOF: as("json_type"),
  IFF: ([test, yes, no]) => `CASE WHEN ${test} THEN ${yes} ELSE ${no} END`,
  NVL: as("coalesce"),
  IFNULL: as("coalesce"),
  NVL2: ([value, some, none]) => `CASE WHEN ${value} IS NOT NULL THEN ${some} ELSE ${none} END`,
  ZEROIFNULL: ([value]) => `coalesce(${value}, 0)`,
  NULLIFZERO: ([value]) => `nullif(${value}, 0)`,
  DIV0: ([a, b]) => `CASE WHEN ${b} = 0 THEN 0 ELSE ${a} / ${b} END`,
  EQUAL_NULL: ([a, b]) => `(${a} IS NOT DISTINCT FROM ${b})`,
  BOOLOR_AGG: as("bool_or"),
  BOOLAND_AGG: as("bool_and"),
  HASH: (args) => `sf_signed(hash(${args.map((arg) => `sf_plain(${arg})`).join(", ")}))`,
  HASH_AGG: (args) => `sf_signed(bit_xor(hash(${args.map((arg) => `sf_plain(${arg})`).join(", ")})))`,
  MD5_NUMBER_LOWER64: as("md5_number_lower"),
  MD5_NUMBER_UPPER64: as("md5_number_upper"),
  MD5_HEX: as("md5"),
  SHA2: ([text, size = "256"]) => (size === "256" ? `sha256(${text})` : `sf_no_such_digest(${text})`),
  SHA2_HEX: ([text]) => `sha256(${text})`,
  STARTSWITH: as("starts_with"),
  ENDSWITH: as("ends_with"),
  REGEXP_REPLACE: ([text, pattern, by = "''"]) => `regexp_replace(${text}, ${pattern}, ${by}, 'g')`,
  REGEXP_LIKE: as("regexp_full_match"),
  RLIKE: as("regexp_full_match"),
  CHARINDEX: ([needle, text]) => `strpos(${text}, ${needle})`,
  LEN: as("length"),
  SQUARE: ([value]) => `(${value} * ${value})`,
  UUID_STRING: () => "CAST(uuid() AS VARCHAR)",
  SEQ4: () => '"EBB_SEQ"',
  SEQ8: () => '"EBB_SEQ"',
  SYSDATE: () => "now()",
  GETDATE: () => "now()",
  SYSTEM$TYPEOF: ([value]) => `typeof(${value})`,
  SYSTEM$CANCEL_ALL_QUERIES: () => "'0 queries cancelled'",
};
