// Countries and towns with their probabilities, as bars.

import { element, percent, share, tune } from "./dom.js";

const MOST_TOWNS = 6;

/** Both lists; `point(rank)` hears which country the pointer is on, null when it leaves. */
export function candidateLists(candidates, point) {
  if (candidates.length === 0) return [];
  const towns = likeliestTowns(candidates);
  return [
    titled("countries", "Countries", candidates.map((one, at) => countryRow(one, at + 1, point))),
    towns.length ? titled("towns", "Towns", towns.map(townRow)) : null,
  ];
}

function titled(name, title, rows) {
  const id = `${name}-title`;
  const list = element("ol", { class: `bars ${name}`, "aria-labelledby": id }, ...rows);
  return element("div", {}, element("h3", { id }, title), list);
}

function countryRow({ country_name: name, probability }, rank, point) {
  const number = element("span", { class: "number", "aria-hidden": "true" }, String(rank));
  const listeners = { onmouseenter: () => point(rank), onmouseleave: () => point(null) };
  return row([number, element("span", {}, name)], probability, listeners);
}

function townRow({ city, country, probability }) {
  return row([element("span", {}, city, " ", element("span", { class: "of" }, country))], probability);
}

function row(name, probability, listeners = {}) {
  const length = tune(element("i"), { "--share": share(probability) });
  return element(
    "li",
    listeners,
    element("span", { class: "name" }, ...name),
    element("b", {}, percent(probability)),
    element("span", { class: "bar", "aria-hidden": "true" }, length),
  );
}

function likeliestTowns(candidates) {
  return candidates
    .flatMap(({ country, towns }) => towns.map((town) => ({ ...town, country })))
    .sort((one, other) => other.probability - one.probability)
    .slice(0, MOST_TOWNS);
}
