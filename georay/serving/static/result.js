// One picture's answer: the picture, the place, the reasons, the map, and how it came about.

import { candidateLists } from "./candidates.js";
import { Part, element } from "./dom.js";
import { locatabilitySection } from "./locatability.js";
import { WorldMap } from "./map.js";
import { inWords, sentenceOf } from "./words.js";

const OVERLAY = /^data:image\/png;base64,[A-Za-z0-9+/=]+$/;
const TIMES = { queue_ms: "waiting in line", decode_ms: "opening the picture", locatability_ms: "measuring locatability", rank_ms: "ranking places", answer_ms: "writing the answer", total_ms: "altogether" };

export class ResultView {
  #picture = new Part(element("figure", { class: "shot" }), pictureOf);
  #named = new Part(element("div", { class: "named" }), headingOf);
  #reasons = new Part(element("figure", { class: "reasons" }), reasonsOf);
  #lists = new Part(element("div", { class: "lists" }), (candidates) => candidateLists(candidates, (rank) => this.#map.highlight(rank)));
  #clues = new Part(element("section", { class: "split", "aria-label": "Locatability" }), locatabilitySection);
  #facts = new Part(element("details", { class: "facts" }), factsOf);
  #map = new WorldMap();
  #mapped = new Part(element("div"), (result) => { this.#map.show(result); return [this.#map.root]; });

  constructor() {
    const answer = element("div", { class: "said" }, this.#named.root, this.#reasons.root);
    const where = element("section", { class: "where", "aria-label": "Candidates" }, this.#mapped.root, this.#lists.root);
    this.root = element("article", { class: "result", "aria-labelledby": "place" },
      element("div", { class: "lead-row" }, this.#picture.root, answer),
      where, this.#clues.root, this.#facts.root);
  }

  /** Shows a picture's result, as far as it is known. */
  show(entry) {
    const { result, url, name, isWriting } = entry;
    const { latitude, longitude, city, country, country_name, locatability } = result;
    const candidates = result.candidates ?? [];
    this.#picture.show(url, name, locatability?.overlay ?? null);
    this.#named.show(inWords(result), result.status, result.warning);
    this.#reasons.show(result.reasons, isWriting);
    this.#mapped.show({ candidates, latitude, longitude, city, country, country_name });
    this.#mapped.root.parentElement.hidden = this.#mapped.root.firstChild.hidden && candidates.length === 0;
    this.#lists.show(candidates);
    this.#clues.show(locatability);
    this.#facts.show(result.model, result.timings, result.request_id);
  }
}

function pictureOf(url, name, overlay) {
  const photograph = element("img", { src: url, alt: `The picture ${name}`, class: "photograph" });
  const frame = element("div", { class: "frame" }, photograph);
  photograph.addEventListener("error", () => { frame.hidden = true; });
  if (overlay && OVERLAY.test(overlay)) {
    frame.append(
      element("img", { class: "overlay", src: overlay, alt: "" }),
      element("label", { class: "pill" }, element("input", { type: "checkbox" }), " Show classes"),
    );
  }
  return [frame, element("figcaption", { class: "source" }, name)];
}

function headingOf({ title, sentence }, status, warning) {
  return [
    element("p", { class: "kind" }, status === "answered" ? "The model’s answer" : "No place named"),
    element("h2", { id: "place", class: "place" }, title),
    sentence ? element("p", { class: "certainty" }, sentence) : null,
    warning ? element("p", { class: "note" }, element("b", {}, sentenceOf(warning)), " Take the answer as a guess among many.") : null,
  ];
}

/** The model's own words: always text, and always marked as what they are. */
function reasonsOf(reasons, isWriting) {
  if (!reasons && !isWriting) return [];
  const quote = element("blockquote", { "aria-busy": isWriting ? "true" : null, class: isWriting ? "is-writing" : null });
  quote.textContent = reasons || "…";
  return [element("figcaption", {}, "The model’s explanation, may be wrong"), quote];
}

function factsOf(model, timings, requestId) {
  const facts = [
    ["model", model?.id],
    ["revision", model?.revision],
    ["adapters", model ? model.adapters.join(" + ") || "none" : null],
    ...Object.entries(TIMES).map(([key, name]) => [name, timings?.[key] > 0 ? `${Math.round(timings[key]).toLocaleString("en")} ms` : null]),
    ["request", requestId],
  ].filter(([, value]) => value !== null && value !== undefined);
  if (!facts.length) return [];
  const rows = facts.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, String(value))));
  return [element("summary", {}, "How this came about"), element("dl", {}, ...rows)];
}
