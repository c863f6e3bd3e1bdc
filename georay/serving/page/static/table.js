// Several pictures: one row each, to sort, to look into and to take away.

import { count, element, kilometres, percent } from "./dom.js";
import { download, records, toCsv, toGeoJson } from "./export.js";
import { inWords, place, sureShare } from "./words.js";

const WITHOUT_RESULT = {
  waiting: "waiting …",
  busy: "waiting for a free place …",
  stopped: "not asked",
  rejected: "not accepted",
  failed: "no answer",
};

/** What a column sorts by and shows. Numbers sort from the largest down at first. */
const COLUMNS = [
  { label: "picture", value: ({ name }) => name.toLowerCase(), isName: true },
  { label: "place", value: namedPlace, show: answerText },
  {
    label: "country",
    value: ({ result }) => result?.country_name?.toLowerCase(),
    show: ({ result }) => result?.country ?? "",
    isExtra: true,
  },
  numeric("sure", ({ result }) => sureShare(result), percent),
  {
    ...numeric("expected off", ({ result }) => result?.expected_distance_km, kilometres),
    isExtra: true,
  },
  numeric("locatability", ({ result }) => result?.locatability?.score, (score) => score.toFixed(2)),
];

export class BatchTable {
  #root = document.getElementById("batch");
  #body = element("tbody");
  #heads = new Map();
  #rows = new Map();
  #order = null;
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
    [this.#chosen, this.#order] = [null, null];
    this.#root.hidden = entries.length < 2;
    if (this.#root.hidden) return;
    const caption = element("caption", { class: "hidden" }, "The headings sort the table");
    const table = element("table", { class: "plain" }, caption, this.#head(), this.#body);
    const area = { class: "scroll", role: "region", "aria-label": "One row per picture", tabindex: 0 };
    this.#root.replaceChildren(this.#title(), element("div", area, table));
    entries.forEach((entry) => this.update(entry));
    this.#arrange();
  }

  /** Shows a picture's new state. */
  update(entry) {
    if (this.#root.hidden) return;
    const row = this.#rows.get(entry) ?? element("tr");
    const hadFocus = row.contains(document.activeElement);
    row.replaceChildren(...COLUMNS.map((column) => this.#cell(column, entry)));
    row.className = entry.state;
    if (hadFocus) row.querySelector("button")?.focus();
    this.#rows.set(entry, row);
    this.#mark();
    if (this.#order) this.#arrange();
  }

  /** Marks the row whose answer is shown. */
  choose(entry) {
    this.#chosen = entry;
    this.#mark();
  }

  #title() {
    const take = (label, text, name, type) => {
      const onclick = () => download(text(records(this.#entries)), name, type);
      return element("button", { type: "button", class: "button quiet", onclick }, label);
    };
    return element(
      "div",
      { class: "batch-head" },
      element("h2", { id: "batch-title" }, count(this.#entries.length, "picture", "pictures")),
      element(
        "div",
        { class: "actions" },
        take("Download CSV", toCsv, "georay.csv", "text/csv"),
        take("Download GeoJSON", toGeoJson, "georay.geojson", "application/geo+json"),
      ),
    );
  }

  #head() {
    this.#heads.clear();
    for (const column of COLUMNS) {
      const onclick = () => this.#sortBy(column);
      const button = element("button", { type: "button", onclick }, column.label);
      this.#heads.set(column, element("th", { scope: "col", class: classOf(column) }, button));
    }
    return element("thead", {}, element("tr", {}, ...this.#heads.values()));
  }

  #cell(column, entry) {
    if (!column.isName) return element("td", { class: classOf(column) }, column.show(entry));
    const onerror = ({ target }) => target.remove(); // no picture that a browser knows
    const thumb = element("img", { src: entry.url, alt: "", width: 48, height: 36, onerror });
    const onclick = () => this.#select(entry);
    const name = entry.result
      ? element("button", { type: "button", class: "link", onclick }, entry.name)
      : element("span", {}, entry.name);
    const both = element("span", { class: "with-thumb" }, thumb, name);
    return element("th", { scope: "row", class: "file" }, both);
  }

  #mark() {
    for (const [entry, row] of this.#rows) {
      const isChosen = entry === this.#chosen;
      row.classList.toggle("is-chosen", isChosen);
      row.querySelector(".link")?.setAttribute("aria-current", String(isChosen));
    }
  }

  #sortBy(column) {
    const isSame = this.#order?.column === column;
    this.#order = { column, isDown: isSame ? !this.#order.isDown : Boolean(column.isNumber) };
    this.#arrange();
  }

  #arrange() {
    const focused = document.activeElement;
    this.#body.replaceChildren(...this.#sorted().map((entry) => this.#rows.get(entry)));
    if (this.#body.contains(focused)) focused.focus();
    for (const [column, head] of this.#heads) {
      if (column !== this.#order?.column) head.removeAttribute("aria-sort");
      else head.setAttribute("aria-sort", this.#order.isDown ? "descending" : "ascending");
    }
  }

  #sorted() {
    if (!this.#order) return this.#entries;
    const { column, isDown } = this.#order;
    return [...this.#entries].sort((one, other) =>
      compare(column.value(one), column.value(other), isDown));
  }
}

function numeric(label, value, words) {
  const show = (entry) => (Number.isFinite(value(entry)) ? words(value(entry)) : "");
  return { label, value, show, isNumber: true };
}

function classOf({ isNumber, isExtra }) {
  return [isNumber ? "number-cell" : "", isExtra ? "extra" : ""].join(" ").trim() || null;
}

function namedPlace({ result }) {
  return result?.status === "answered" ? place(result).toLowerCase() : null;
}

function answerText({ state, result, problem }) {
  if (result) return inWords(result).title + (result.warning ? " · few clues" : "");
  return [WITHOUT_RESULT[state], problem?.message].filter(Boolean).join(": ");
}

/** Nothing sorts last, whichever way. */
function compare(one, other, isDown) {
  const isNothing = (value) => value === undefined || value === null;
  if (isNothing(one) || isNothing(other)) return Number(isNothing(one)) - Number(isNothing(other));
  const order =
    typeof one === "string" ? one.localeCompare(other, "en", { numeric: true }) : one - other;
  return isDown ? -order : order;
}
