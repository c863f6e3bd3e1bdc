// How much a picture gives away: the gauge, and the sum class by class (equation 1 of the paper).

import { element, percent, share, tune } from "./dom.js";

const COLOUR = /^#[0-9a-f]{6}$/i;
const LEAST_REST = 0.0005;
const TICKS = [0, 0.2, 0.4, 0.6, 0.8, 1];

/** The section's children for one result's `locatability`; none where it was not measured. */
export function locatabilitySection(measured) {
  if (!measured) return [];
  const isEnough = measured.score >= measured.threshold;
  return [
    words(measured, isEnough),
    element("figure", { class: "worked" }, gauge(measured, isEnough), axis(), sum(measured)),
  ];
}

function words(measured, isEnough) {
  const threshold = measured.threshold.toFixed(2);
  return element(
    "div",
    { class: "words" },
    element("h2", {}, "How much the picture gives away"),
    element(
      "p",
      {},
      element("b", {}, "Locatability"),
      " counts each thing in the picture by the area it covers times how much that thing helps",
      " people to recognise a place. ",
      isEnough
        ? `This picture reaches ${threshold}: there is something to go by.`
        : `This picture stays below ${threshold}: whatever the answer, it rests on few clues.`,
    ),
    measured.outside_segmenter
      ? element(
        "p",
        {},
        `${percent(measured.unknown_share)} of it is outside what this segmenter knows, so this`,
        " says little. For photographs of your own, serve with the paper's MaskFormer.",
      )
      : null,
  );
}

function gauge({ score, threshold }, isEnough) {
  const side = isEnough ? "at or above" : "below";
  const said = `Locatability ${score.toFixed(3)} of 1, ${side} the threshold ${threshold.toFixed(2)}`;
  return element(
    "div",
    { class: isEnough ? "gauge is-kept" : "gauge" },
    element("b", { class: "score" }, score.toFixed(3)),
    element(
      "div",
      { class: "track", role: "img", "aria-label": said },
      tune(element("i", { class: "fill" }), { "--share": share(score) }),
      tune(element("i", { class: "mark" }), { "--share": share(threshold) }),
    ),
    element("span", { class: "verdict" }, isEnough ? "tells enough" : "few clues"),
  );
}

function axis() {
  const ticks = TICKS.map((tick) =>
    tune(element("span", {}, String(tick)), { "--share": share(tick) }));
  return element("div", { class: "axis", "aria-hidden": "true" }, ...ticks);
}

function sum({ score, classes }) {
  const rest = score - classes.reduce((total, { contribution }) => total + contribution, 0);
  const others = rest >= LEAST_REST
    ? line({ class: "others" }, "everything else", null, ["", "", rest.toFixed(3)])
    : null;
  const heads = ["class", "area", "weight", "adds"].map((text) =>
    element("th", { scope: "col" }, text));
  return element(
    "table",
    { class: "sum" },
    element("caption", { class: "hidden" }, "The score, class by class: area times weight"),
    element("thead", {}, element("tr", {}, ...heads)),
    element("tbody", {}, ...classes.map(classLine), others),
    element("tfoot", {}, element(
      "tr",
      {},
      element("th", { scope: "row", colspan: 3 }, "locatability"),
      element("td", { class: "adds" }, score.toFixed(3)),
    )),
  );
}

function classLine({ label, ratio, weight, contribution, colour }) {
  return line({}, label, colour, [percent(ratio), weight.toFixed(2), contribution.toFixed(3)]);
}

function line(attributes, label, colour, [area, weight, adds]) {
  return element(
    "tr",
    attributes,
    element("th", { scope: "row" }, swatch(colour), label),
    element("td", {}, area),
    element("td", {}, weight),
    element("td", { class: "adds" }, adds),
  );
}

function swatch(colour) {
  const made = element("i", { class: "swatch", "aria-hidden": "true" });
  return colour && COLOUR.test(colour) ? tune(made, { background: colour }) : made;
}
