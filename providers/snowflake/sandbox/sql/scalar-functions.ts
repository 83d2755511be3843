/** What SQL macros alone cannot do, as scalar functions of the engine: text in, text out. @module */
import type { DuckDBConnection } from "@duckdb/node-api";
import { SqlFailure, unsupported } from "./failure.ts";
import { formatMoment, readMoment, unformat, writeMoment } from "./moment.ts";

type TextFunction = (...args: string[]) => string;

/** Bytes as the engine writes them in text. */
function bytesOf(text: string): Buffer {
  const parts = [...text.matchAll(/\\x([0-9A-F]{2})|([\s\S])/g)];
  return Buffer.from(parts.map(([, hex, plain = ""]) => (hex ? Number.parseInt(hex, 16) : plain.charCodeAt(0))));
}

function formatNumber(text: string, model: string): string {
  const value = Number(text);
  if (/^-?(nan|inf)/i.test(text)) return text.replace("nan", "NaN");
  // All digits of a double: seventeen.
  if (model.toUpperCase() === "TME") return value.toExponential(16);
  // What a cast to text shows: the vendor rounds a float to about ten digits.
  return String(Number(value.toPrecision(10)));
}

/** The text of a value of the engine's type `type` by a format model; `""` is the session's default. */
function format(type: string, text: string, model: string): string {
  if (type === "BLOB") {
    const bytes = bytesOf(text);
    if (model.toUpperCase() === "UTF-8") return bytes.toString("utf8");
    return model.toUpperCase() === "BASE64" ? bytes.toString("base64") : bytes.toString("hex").toUpperCase();
  }
  if (type === "DOUBLE" || type === "FLOAT") return formatNumber(text, model);
  if (type === "JSON") return text.startsWith('"') ? String(JSON.parse(text)) : text;
  if (!/^(DATE|TIME|STRUCT\("?(ltz|tz)"? )/.test(type)) return text;
  const zoned = /^STRUCT|TIME ZONE/.test(type);
  const usual = type === "DATE" ? "YYYY-MM-DD" : /^TIME(_NS)?$/.test(type) ? "HH24:MI:SS" : "YYYY-MM-DD HH24:MI:SS.FF3";
  return formatMoment(readMoment(text), model || (zoned ? `${usual} TZHTZM` : usual));
}

function geoJson(given: string): string {
  // A value that is a geography already, as the engine writes a struct.
  const text = /^\{'geo\w+': '?(.*?)'?\}$/s.exec(given)?.[1] ?? given;
  if (text.trim().startsWith("{")) return text;
  const point = /^POINT\s*\(\s*(\S+)\s+(\S+)\s*\)$/i.exec(text.trim());
  if (!point) throw unsupported("a geography that is neither a POINT nor GeoJSON");
  return JSON.stringify({ coordinates: [Number(point[1]), Number(point[2])], type: "Point" });
}

function seconds(text: string, digits: string): string {
  const { wall, nanos } = readMoment(text);
  return `${wall / 1000}.${nanos.slice(0, Number(digits))}`;
}

const functions: Readonly<Record<string, readonly [number, TextFunction]>> = {
  sf_when: [2, (text = "", as = "wall") => writeMoment(readMoment(text), as as "wall")],
  sf_unformat: [2, (text = "", model = "") => unformat(text, model)],
  sf_format: [3, (type = "", text = "", model = "") => format(type, text, model)],
  sf_geo: [1, (text = "") => geoJson(text)],
  sf_seconds: [2, (text = "", digits = "9") => seconds(text, digits)],
};

/** Makes the functions known to the engine. What one throws is the statement's failure. */
export async function registerFunctions(connection: DuckDBConnection): Promise<void> {
  const { DuckDBScalarFunction, VARCHAR } = await import("@duckdb/node-api");
  for (const [name, [count, run]] of Object.entries(functions))
    connection.registerScalarFunction(
      DuckDBScalarFunction.create({
        name,
        parameterTypes: Array.from({ length: count }, () => VARCHAR),
        returnType: VARCHAR,
        mainFunction(info, input, output) {
          const columns = Array.from({ length: count }, (_, i) => input.getColumnVector(i));
          for (let row = 0; row < input.rowCount; row++) {
            const args = columns.map((column) => column.getItem(row) as string | null);
            try {
              output.setItem(row, args.includes(null) ? null : run(...(args as string[])));
            } catch (error) {
              const { vendorCode, sqlState } = error as SqlFailure;
              const message = error instanceof Error ? error.message : String(error);
              info.setError(error instanceof SqlFailure ? JSON.stringify([vendorCode, sqlState, message]) : message);
              return;
            }
          }
          output.flush();
        },
      }),
    );
}
