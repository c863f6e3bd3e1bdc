// One picture's answer: the picture, the place, the reasons, the map, and how it came about.

import { candidateLists } from "./candidates.js";
import { Part, element } from "./dom.js";
import { locatabilitySection } from "./locatability.js";
import { WorldMap } from "./map.js";
import { inWords, sentenceOf } from "./words.js";

const OVERLAY = /^data:image\/png;base64,[A-Za-z0-9+/=]+$/;
const TIMES = {
  queue_ms: "waiting in line",
  decode_ms: "opening the picture",
  locatability_ms: "measuring locatability",
  rank_ms: "ranking places",
  answer_ms: "writing the answer",
  total_ms: "altogether",
};

export class ResultView {
  #map = new WorldMap();
  #picture = part("figure", { class: "shot" }, pictureOf);
  #named = part("div", { class: "named" }, headingOf);
  #reasons = part("figure", { class: "reasons" }, reasonsOf);
  #mapped = part("div", {}, (places) => this.#mapOf(places));
  #lists = part("div", { class: "lists" }, (candidates) =>
    candidateLists(candidates, (rank) => this.#map.highlight(rank)));
  #clues = part("section", { class: "split", "aria-label": "Locatability" }, locatabilitySection);
  #facts = part("details", { class: "facts" }, factsOf);
  #where = element(
    "section",
    { class: "where", "aria-label": "Candidates" },
    this.#mapped.root,
    this.#lists.root,
  );

  constructor() {
    this.root = element(
      "article",
      { class: "result", "aria-labelledby": "place" },
      element(
        "div",
        { class: "lead-row" },
        this.#picture.root,
        element("div", {}, this.#named.root, this.#reasons.root),
      ),
      this.#where,
      this.#clues.root,
      this.#facts.root,
    );
  }

  /** Shows a picture's result, as far as it is known. */
  show({ result, url, name, isWriting }) {
    const { candidates, latitude, longitude, city, country, country_name } = result;
    this.#picture.show(url, name, result.locatability?.overlay ?? null);
    this.#named.show(inWords(result), result.status, result.warning);
    this.#reasons.show(result.reasons, isWriting);
    this.#mapped.show({ candidates, latitude, longitude, city, country, country_name });
    this.#lists.show(candidates);
    this.#where.hidden = this.#mapped.root.hidden && this.#lists.root.hidden;
    this.#clues.show(result.locatability);
    this.#facts.show(result.model, result.timings, result.request_id);
  }

  #mapOf(places) {
    return this.#map.show(places) ? [this.#map.root] : [];
  }
}

function part(tag, attributes, build) {
  return new Part(element(tag, attributes), build);
}

function pictureOf(url, name, overlay) {
  const photograph = element("img", { src: url, alt: `The picture ${name}`, class: "photograph" });
  const frame = element("div", { class: "frame" }, photograph);
  photograph.addEventListener("error", () => {
    frame.hidden = true; // no picture that a browser knows
  });
  if (overlay && OVERLAY.test(overlay)) {
    const toggle = element("input", { type: "checkbox" });
    frame.append(
      element("img", { class: "overlay", src: overlay, alt: "" }),
      element("label", { class: "pill" }, toggle, " Show classes"),
    );
  }
  return [frame, element("figcaption", { class: "source" }, name)];
}

function headingOf({ title, sentence }, status, warning) {
  return [
    element("p", { class: "kind" }, status === "answered" ? "The model’s answer" : "No place named"),
    element("h2", { id: "place", class: "place" }, title),
    sentence ? element("p", { class: "certainty" }, sentence) : null,
    warning ? noteOf(warning) : null,
  ];
}

function noteOf(warning) {
  const said = element("b", {}, sentenceOf(warning));
  return element("p", { class: "note" }, said, " Take the answer as a guess among many.");
}

/** The model's own words: always text, and always marked as what they are. */
function reasonsOf(reasons, isWriting) {
  if (!reasons && !isWriting) return [];
  const state = isWriting ? { class: "is-writing", "aria-busy": "true" } : {};
  const quote = element("blockquote", state);
  quote.textContent = reasons ?? "";
  return [element("figcaption", {}, "The model’s explanation, may be wrong"), quote];
}

function factsOf(model, timings, requestId) {
  const facts = [
    ["model", model?.id],
    ["revision", model?.revision],
    ["adapters", model ? model.adapters.join(", ") || "none" : null],
    ...Object.entries(TIMES).map(([key, name]) => [name, milliseconds(timings?.[key])]),
    ["request", requestId],
  ].filter(([, value]) => value !== null && value !== undefined);
  if (!facts.length) return [];
  const rows = facts.map(([name, value]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, value)));
  return [element("summary", {}, "How this came about"), element("dl", {}, ...rows)];
}

function milliseconds(value) {
  return value > 0 ? `${Math.round(value).toLocaleString("en")} ms` : null;
}
