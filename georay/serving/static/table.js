// Several pictures: one row each, to sort, to look into and to take away.

import { count, element, kilometres, percent } from "./dom.js";
import { download, records, toCsv, toGeoJson } from "./export.js";
import { inWords, place } from "./words.js";

const text = (value) => value ?? "";
const STATES = { waiting: "waiting …", busy: "waiting for a free place …", stopped: "not asked", rejected: "not accepted", failed: "no answer" };

/** What a column is called, sorts by and shows. Numbers sort from the largest down at first. */
const COLUMNS = [
  { key: "file", label: "picture", value: ({ name }) => name.toLowerCase() },
  { key: "place", label: "place", value: ({ result }) => (result?.status === "answered" ? place(result).toLowerCase() : ""), show: answerText },
  { key: "country", label: "country", value: ({ result }) => text(result?.country_name).toLowerCase(), show: ({ result }) => text(result?.country) , extra: true },
  { key: "sure", label: "sure", value: ({ result }) => result?.confidence, show: ({ result }) => shown(result?.confidence, percent), isNumber: true },
  { key: "off", label: "expected off", value: ({ result }) => result?.expected_distance_km, show: ({ result }) => shown(result?.expected_distance_km, kilometres), isNumber: true, extra: true },
  { key: "locatability", label: "locatability", value: ({ result }) => result?.locatability?.score, show: ({ result }) => shown(result?.locatability?.score, (score) => score.toFixed(2)), isNumber: true },
];

export class BatchTable {
  #root = document.getElementById("batch");
  #body = element("tbody");
  #heads = new Map();
  #rows = new Map();
  #order = { column: null, isDown: false };
  #entries = [];
  #chosen = null;
  #select;

  /** `select(entry)` is called when a reader wants to see a picture's whole answer. */
  constructor(select) {
    this.#select = select;
  }

  /** Starts anew with a run's pictures; one picture needs no table. */
  open(entries) {
    this.#entries = entries;
    this.#rows.clear();
    this.#chosen = null;
    this.#order = { column: null, isDown: false };
    this.#root.hidden = entries.length < 2;
    if (this.#root.hidden) return;
    this.#root.replaceChildren(this.#title(), element("div", { class: "scroll", role: "region", "aria-label": "Answers, one row per picture", tabindex: 0 },
      element("table", { class: "plain" }, element("caption", { class: "hidden" }, "The headings sort the table"), this.#head(), this.#body)));
    entries.forEach((entry) => this.update(entry));
    this.#arrange();
  }

  /** Shows a picture's new state. */
  update(entry) {
    if (this.#root.hidden) return;
    const cells = COLUMNS.map((column) => this.#cell(column, entry));
    const row = this.#rows.get(entry) ?? element("tr");
    const hadFocus = row.contains(document.activeElement);
    row.replaceChildren(...cells);
    row.className = entry.state;
    if (hadFocus) row.querySelector("button")?.focus();
    this.#rows.set(entry, row);
    this.#mark();
    if (this.#order.column) this.#arrange();
  }

  #title() {
    const take = (label, make, name, type) =>
      element("button", { type: "button", class: "button quiet", onclick: () => download(make(records(this.#entries)), name, type) }, label);
    return element("div", { class: "batch-head" },
      element("h2", { id: "batch-title" }, count(this.#entries.length, "picture", "pictures")),
      element("div", { class: "actions" },
        take("Download CSV", toCsv, "georay.csv", "text/csv"),
        take("Download GeoJSON", toGeoJson, "georay.geojson", "application/geo+json")));
  }

  #head() {
    this.#heads.clear();
    const heads = COLUMNS.map((column) => {
      const made = element("th", { scope: "col", class: classOf(column) },
        element("button", { type: "button", onclick: () => this.#sortBy(column) }, column.label));
      this.#heads.set(column, made);
      return made;
    });
    return element("thead", {}, element("tr", {}, ...heads));
  }

  #cell(column, entry) {
    if (column.key !== "file") return element("td", { class: classOf(column) }, column.show(entry));
    const thumb = element("img", { src: entry.url, alt: "", width: 48, height: 36, onerror: (event) => event.target.remove() });
    const name = entry.result
      ? element("button", { type: "button", class: "link", onclick: () => this.#select(entry) }, entry.name)
      : element("span", {}, entry.name);
    return element("th", { scope: "row", class: "file" }, element("span", { class: "with-thumb" }, thumb, name));
  }

  /** The row whose answer is shown below. */
  choose(entry) {
    this.#chosen = entry;
    this.#mark();
  }

  #mark() {
    for (const [entry, row] of this.#rows) {
      row.classList.toggle("is-chosen", entry === this.#chosen);
      row.querySelector(".link")?.setAttribute("aria-current", String(entry === this.#chosen));
    }
  }

  #sortBy(column) {
    const isSame = this.#order.column === column;
    this.#order = { column, isDown: isSame ? !this.#order.isDown : Boolean(column.isNumber) };
    this.#arrange();
  }

  #arrange() {
    const { column, isDown } = this.#order;
    const sorted = column ? [...this.#entries].sort((one, other) => compare(column.value(one), column.value(other), isDown)) : this.#entries;
    const focused = document.activeElement;
    this.#body.replaceChildren(...sorted.map((entry) => this.#rows.get(entry)));
    if (this.#body.contains(focused)) focused.focus();
    for (const [each, made] of this.#heads) {
      if (each === column) made.setAttribute("aria-sort", isDown ? "descending" : "ascending");
      else made.removeAttribute("aria-sort");
    }
  }
}

function classOf({ isNumber, extra }) {
  return [isNumber ? "number-cell" : "", extra ? "extra" : ""].filter(Boolean).join(" ") || null;
}

function answerText({ state, result, problem }) {
  if (result) return inWords(result).title + (result.warning ? " · few clues" : "");
  return [STATES[state], problem?.message].filter(Boolean).join(": ");
}

function shown(value, words) {
  return Number.isFinite(value) ? words(value) : "";
}

/** Nothing sorts last, whichever way. */
function compare(one, other, isDown) {
  const isNothing = (value) => value === undefined || value === null || value === "";
  if (isNothing(one) || isNothing(other)) return Number(isNothing(one)) - Number(isNothing(other));
  const order = typeof one === "string" ? one.localeCompare(other, "en", { numeric: true }) : one - other;
  return isDown ? -order : order;
}
