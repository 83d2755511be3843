/** Macros of the engine that stand behind the vendor's functions and casts. @module */

const when = (as: string) => `sf_when(CAST(x AS VARCHAR), '${as}')`;
const parsed = (as: string) => `sf_when(sf_unformat(CAST(x AS VARCHAR), f), '${as}')`;
const two = (name: string, make: (text: (as: string) => string) => string): string =>
  `${name}(x) AS ${make(when)}, (x, f) AS ${make(parsed)}`;

/** A struct of nothing is no null. */
const orNull = (made: string) => `CASE WHEN x IS NULL THEN NULL ELSE ${made} END`;

const simple = "typeof(x) IN ('VARCHAR', 'BOOLEAN', 'INTEGER', 'BIGINT', 'HUGEINT') OR typeof(x) LIKE 'DECIMAL%'";

/** In an order in which each knows those it uses. */
export const macros: readonly string[] = [
  // The exact text of a value, and that of a text inside JSON.
  "sf_text(x) AS CASE WHEN typeof(x) IN ('JSON', 'BLOB') THEN sf_format(typeof(x), CAST(x AS VARCHAR), '') ELSE CAST(x AS VARCHAR) END",
  `sf_to_varchar(x) AS CASE WHEN ${simple} THEN CAST(x AS VARCHAR) ELSE sf_format(typeof(x), CAST(x AS VARCHAR), '') END,
    (x, f) AS sf_format(typeof(x), CAST(x AS VARCHAR), f)`,
  two("sf_date", (text) => `CAST(${text("date")} AS DATE)`),
  two("sf_time9", (text) => `CAST(${text("time")} AS TIME_NS)`),
  two("sf_time6", (text) => `CAST(${text("time")} AS TIME)`),
  two("sf_ntz9", (text) => `CAST(${text("wall")} AS TIMESTAMP_NS)`),
  two("sf_ntz6", (text) => `CAST(${text("wall")} AS TIMESTAMP)`),
  two("sf_ntz3", (text) => `CAST(${text("wall")} AS TIMESTAMP_MS)`),
  two("sf_ntz0", (text) => `CAST(${text("wall")} AS TIMESTAMP_S)`),
  two("sf_ltz9", (text) => orNull(`struct_pack(ltz := CAST(${text("utc")} AS TIMESTAMP_NS))`)),
  two("sf_ltz6", (text) => `timezone('UTC', CAST(${text("utc")} AS TIMESTAMP))`),
  two("sf_tz", (text) =>
    orNull(`struct_pack(tz := CAST(${text("utc")} AS TIMESTAMP_NS), "offset" := CAST(${text("offset")} AS SMALLINT))`),
  ),
  `sf_convert_timezone(zone, x) AS ${orNull(`struct_pack(tz := CAST(${when("utc")} AS TIMESTAMP_NS), "offset" := CAST(
      date_diff('minute', CAST(${when("utc")} AS TIMESTAMP), timezone(zone, timezone('UTC', CAST(${when("utc")} AS TIMESTAMP)))) AS SMALLINT))`)},
    (source, target, x) AS timezone(target, timezone(source, CAST(${when("wall")} AS TIMESTAMP)))`,
  `sf_to_json(x) AS CASE WHEN typeof(x) = 'JSON' THEN CAST(x AS VARCHAR) WHEN typeof(x) LIKE 'DECIMAL%' THEN CAST(x AS VARCHAR) ELSE CAST(to_json(x) AS VARCHAR) END`,
  "sf_variant(x) AS CAST(sf_to_json(x) AS JSON)",
  "sf_parse_json(x) AS CAST(nullif(trim(CAST(x AS VARCHAR)), '') AS JSON)",
  `sf_binary(x) AS unhex(sf_text(x)),
    (x, f) AS CASE WHEN upper(f) = 'UTF-8' THEN encode(CAST(x AS VARCHAR)) ELSE unhex(sf_text(x)) END`,
  `sf_geography(x) AS ${orNull("struct_pack(geography := CAST(sf_geo(CAST(x AS VARCHAR)) AS JSON))")}`,
  `sf_geometry(x) AS ${orNull("struct_pack(geometry := CAST(sf_geo(CAST(x AS VARCHAR)) AS JSON))")}`,
  "sf_geojson(x) AS coalesce(json_extract(to_json(x), '$.geography'), json_extract(to_json(x), '$.geometry'))",
  "sf_plain(x) AS CAST(x AS VARCHAR)",
  "sf_signed(x) AS CAST(CASE WHEN x > 9223372036854775807 THEN CAST(x AS HUGEINT) - 18446744073709551616 ELSE CAST(x AS HUGEINT) END AS BIGINT)",
];
