// The answers as files for other programs: CSV and GeoJSON.

import { element } from "./dom.js";
import { hasCoordinates } from "./words.js";

const COLUMNS = [
  "file", "status", "country", "country_name", "city", "latitude", "longitude", "confidence",
  "sureness", "expected_distance_km", "locatability", "warning", "error", "reasons", "candidates",
];
const FORMULA = /^[=+\-@\t\r]/;

/** One flat record per picture; pictures without an answer are kept, with their error. */
export function records(entries) {
  return entries.map(({ name, state, result, problem }) => ({
    ...(result ?? {}),
    file: name,
    status: result?.status ?? (state === "done" ? null : state),
    locatability: result?.locatability?.score ?? null,
    error: result?.error ?? problem?.message ?? null,
    candidates: (result?.candidates ?? []).map(({ country, probability }) => ({
      country,
      probability,
    })),
  }));
}

/** RFC 4180, with a heading. A text that a spreadsheet would run as a formula gets an apostrophe. */
export function toCsv(rows) {
  const text = (row) => (column) => cell(column === "candidates" ? ranked(row) : row[column]);
  const lines = rows.map((row) => COLUMNS.map(text(row)).join(","));
  return [COLUMNS.join(","), ...lines].map((line) => `${line}\r\n`).join("");
}

/** RFC 7946: one feature per picture; its geometry is null where no place was named. */
export function toGeoJson(rows) {
  const names = COLUMNS.filter((column) => !["latitude", "longitude"].includes(column));
  const features = rows.map((row) => ({
    type: "Feature",
    geometry: pointOf(row),
    properties: Object.fromEntries(names.map((name) => [name, row[name] ?? null])),
  }));
  return JSON.stringify({ type: "FeatureCollection", features }, null, 1);
}

/** Hands a text to the reader as a file. */
export function download(text, name, type) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

function pointOf(row) {
  if (!hasCoordinates(row)) return null;
  return { type: "Point", coordinates: [row.longitude, row.latitude] };
}

function ranked({ candidates }) {
  const parts = candidates.map(({ country, probability }) => `${country}:${probability.toFixed(4)}`);
  return parts.join(" ");
}

function cell(value) {
  if (value === null || value === undefined) return "";
  const text = typeof value === "string" && FORMULA.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
