// Countries and towns with their probabilities, as bars.

import { element, percent, share, tune } from "./dom.js";

const MOST_TOWNS = 6;

/** Both lists; `point(rank)` hears which country the pointer is on, null when it leaves. */
export function candidateLists(candidates, point) {
  if (candidates.length === 0) return [];
  const countries = candidates.map(({ country_name: name, country, probability }, at) =>
    row(element("span", { class: `number rank-${at + 1}`, "aria-hidden": "true" }, String(at + 1)), name ?? country, probability, {
      onmouseenter: () => point(at + 1),
      onmouseleave: () => point(null),
    }));
  const towns = likeliestTowns(candidates).map(({ city, country, probability }) =>
    row(null, city, probability, {}, element("span", { class: "of" }, country)));
  return [
    element("h3", { id: "countries-title" }, "Countries"),
    element("ol", { class: "bars", "aria-labelledby": "countries-title" }, ...countries),
    ...(towns.length
      ? [element("h3", { id: "towns-title" }, "Towns"), element("ol", { class: "bars towns", "aria-labelledby": "towns-title" }, ...towns)]
      : []),
  ];
}

function likeliestTowns(candidates) {
  return candidates
    .flatMap(({ country, towns }) => (towns ?? []).map((town) => ({ ...town, country })))
    .sort((one, other) => other.probability - one.probability)
    .slice(0, MOST_TOWNS);
}

function row(mark, name, probability, listeners, extra = null) {
  const bar = element("span", { class: "bar", "aria-hidden": "true" }, tune(element("i"), { "--share": share(probability) }));
  return element("li", listeners,
    element("span", { class: "name" }, mark, element("span", {}, name, extra ? " " : null, extra)),
    element("b", {}, percent(probability)), bar);
}
