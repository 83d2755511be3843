/** Dates, times and timestamps as text: read in any of the engine's forms, written by the vendor's format models. @module */
import { SqlFailure } from "./failure.ts";

export interface Moment {
  /** Milliseconds since the epoch of the wall clock, read as UTC. */
  readonly wall: number;
  /** Nine digits. */
  readonly nanos: string;
  /** Minutes east of UTC. */
  readonly offset: number;
}

const form =
  /^(?:(\d{4,5})-(\d\d?)-(\d\d?))?(?:[T ]?(\d\d?):(\d\d)(?::(\d\d)(?:\.(\d{1,9})\d*)?)?)?\s*(Z|UTC|[+-]\d\d(?::?\d\d)?)?$/;

/** Reads the text of a column of any type that holds a moment, or what a person writes. */
export function readMoment(text: string): Moment {
  const instant = /^\{'ltz': '?(.*?)'?\}$/.exec(text);
  if (instant) return readMoment(instant[1] ?? "");
  const zoned = /^\{'tz': '?(.*?)'?, 'offset': (-?\d+)\}$/.exec(text);
  if (zoned) {
    const utc = readMoment(zoned[1] ?? "");
    const offset = Number(zoned[2]);
    return { ...utc, wall: utc.wall + offset * 60_000, offset };
  }
  const epoch = /^(-?\d+)(?:\.(\d+))?$/.exec(text);
  if (epoch) return { wall: Number(epoch[1]) * 1000, nanos: (epoch[2] ?? "").padEnd(9, "0"), offset: 0 };
  const found = form.exec(text.trim());
  if (!found || text.trim() === "") throw new SqlFailure("100035", "22007", `Timestamp '${text}' is not recognized`);
  const [, year = "1970", month = "1", day = "1", hour = "0", minute = "0", second = "0", nanos = "", zone] = found;
  const wall = new Date(0);
  wall.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  wall.setUTCHours(Number(hour), Number(minute), Number(second));
  if (wall.getUTCDate() !== Number(day)) throw new SqlFailure("100040", "22007", `Date '${text}' is not recognized`);
  return { wall: wall.getTime(), nanos: nanos.padEnd(9, "0"), offset: offsetOf(zone) };
}

function offsetOf(zone: string | undefined): number {
  const found = /^([+-])(\d\d):?(\d\d)?$/.exec(zone ?? "");
  if (!found) return 0;
  return (found[1] === "-" ? -1 : 1) * (Number(found[2]) * 60 + Number(found[3] ?? 0));
}

const two = (value: number) => String(value).padStart(2, "0");

/** What the engine's casts read: the wall clock's time, the instant in UTC, the date, the time of day, the offset. */
export function writeMoment(moment: Moment, as: "wall" | "utc" | "date" | "time" | "offset"): string {
  if (as === "offset") return String(moment.offset);
  const at = new Date(as === "utc" ? moment.wall - moment.offset * 60_000 : moment.wall);
  const date = `${String(at.getUTCFullYear()).padStart(4, "0")}-${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())}`;
  const time = `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}.${moment.nanos}`;
  if (as === "date") return date;
  return as === "time" ? time : `${date} ${time}`;
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const elements = /"([^"]*)"|YYYY|YY|MMMM|MON|MM|DY|DD|HH24|HH12|HH|AM|PM|MI|SS|FF(\d)?|TZHTZM|TZH|TZM/gi;

/** A moment by a format model. */
export function formatMoment({ wall, nanos, offset }: Moment, model: string): string {
  const at = new Date(wall);
  const sign = offset < 0 ? "-" : "+";
  const zoneHours = sign + two(Math.floor(Math.abs(offset) / 60));
  const zoneMinutes = two(Math.abs(offset) % 60);
  const year = String(at.getUTCFullYear()).padStart(4, "0");
  const hour = at.getUTCHours();
  return model.replace(elements, (element, literal: string | undefined, digits: string | undefined) => {
    if (literal !== undefined) return literal;
    const values: Readonly<Record<string, string>> = {
      YYYY: year,
      YY: year.slice(-2),
      MON: months[at.getUTCMonth()] ?? "",
      MM: two(at.getUTCMonth() + 1),
      DY: days[at.getUTCDay()] ?? "",
      DD: two(at.getUTCDate()),
      HH24: two(hour),
      HH12: two(hour % 12 || 12),
      HH: two(hour),
      AM: hour < 12 ? "AM" : "PM",
      PM: hour < 12 ? "AM" : "PM",
      MI: two(at.getUTCMinutes()),
      SS: two(at.getUTCSeconds()),
      TZHTZM: zoneHours + zoneMinutes,
      TZH: zoneHours,
      TZM: zoneMinutes,
    };
    const upper = element.toUpperCase();
    return upper.startsWith("FF") ? nanos.slice(0, Number(digits ?? 9)) : (values[upper] ?? element);
  });
}

const read: Readonly<Record<string, string>> = {
  YYYY: "(?<Y>\\d{4})",
  MM: "(?<M>\\d\\d?)",
  DD: "(?<D>\\d\\d?)",
  HH24: "(?<h>\\d\\d?)",
  HH: "(?<h>\\d\\d?)",
  MI: "(?<m>\\d\\d)",
  SS: "(?<s>\\d\\d)",
};

/** Text that was written by a format model, in the form {@link readMoment} reads. */
export function unformat(text: string, model: string): string {
  if (model.toUpperCase() === "AUTO") return text;
  const pattern = model
    .replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
    .replace(elements, (element, literal: string | undefined) => {
      if (literal !== undefined) return literal;
      return element.toUpperCase().startsWith("FF") ? "(?<f>\\d+)" : (read[element.toUpperCase()] ?? element);
    });
  const found = new RegExp(`^${pattern}$`).exec(text)?.groups;
  if (!found) throw new SqlFailure("100096", "22007", `Can't parse '${text}' as timestamp with format '${model}'`);
  const { Y = "1970", M = "01", D = "01", h = "00", m = "00", s = "00", f = "0" } = found;
  return `${Y}-${M}-${D} ${h}:${m}:${s}.${f}`;
}
