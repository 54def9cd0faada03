// RFC 3339 as metav1.Time and metav1.MicroTime write it, always in UTC.
import { type Micros, micros } from "../wire/time.ts";

const DAY = 86_400;

/** The civil date of a day since 1970-01-01, by the proleptic Gregorian calendar with years that begin in March. */
function civil(day: number): { readonly year: number; readonly month: number; readonly day: number } {
  const shifted = day + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1,
  };
}

const digits = (value: number, width: number): string => String(value).padStart(width, "0");

function dateAndTime(wall: Micros): string {
  const total = Math.floor(wall / 1e6);
  const days = Math.floor(total / DAY);
  const second = total - days * DAY;
  const { year, month, day } = civil(days);
  const time = [Math.floor(second / 3600), Math.floor(second / 60) % 60, second % 60];
  return `${digits(year, 4)}-${digits(month, 2)}-${digits(day, 2)}T${time.map((part) => digits(part, 2)).join(":")}`;
}

/** metav1.Time: whole seconds, `2026-07-01T12:00:00Z`. */
export const formatTimestamp = (wall: Micros): string => `${dateAndTime(wall)}Z`;

/** metav1.MicroTime: always six decimals, `2026-07-01T12:00:00.000000Z`. */
export const formatMicroTime = (wall: Micros): string =>
  `${dateAndTime(wall)}.${digits(wall - Math.floor(wall / 1e6) * 1e6, 6)}Z`;

/** Reads both forms, since the Unix epoch; undefined where the text is neither. */
export function readTimestamp(text: string): Micros | undefined {
  const match = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d{1,9})?Z$/.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  const days = era * 146_097 + dayOfEra - 719_468;
  return micros((((days * 24 + hour) * 60 + minute) * 60 + second + Number(match[7] ?? 0)) * 1e6);
}
