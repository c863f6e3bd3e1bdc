// The world map: land, the candidates as numbered dots with their circles, and the answer.

import { get } from "./api.js";
import { drawn, element, percent, tune } from "./dom.js";
import { WIDTH, areas, heightFor, line, project, unpack } from "./projection.js";
import { circle } from "./sphere.js";
import { hasCoordinates, place } from "./words.js";

const NARROWEST = 260; // map units: a continent stays recognisable
const MARGIN = 0.18;
const WIDEST_TO_FIT_KM = 1500; // a wider circle may reach out of the closer view
const RIM = 14; // map units beside the world, so that a mark at the date line is whole
const WORTH_COMING_CLOSER = 0.75;

let outlines = null;

/** The outlines as two paths, fetched once. */
function worldOutlines() {
  outlines ??= get("v1/world").then(({ land, borders }) => ({
    land: areas(land.map(unpack)),
    borders: borders.map((steps) => line(unpack(steps))).join(""),
  }));
  return outlines;
}

export class WorldMap {
  #land = drawn("path", { class: "land" });
  #borders = drawn("path", { class: "borders" });
  #circles = drawn("g", {});
  #svg = drawn("svg", { role: "img" }, this.#land, this.#borders, this.#circles);
  #pins = element("div", { class: "pins", "aria-hidden": "true" });
  #zoom = element(
    "button",
    { type: "button", class: "pill", "aria-pressed": "false", onclick: () => this.#toggle() },
    "Whole world",
  );
  #frame = element("div", { class: "map-frame" }, this.#svg, this.#pins, this.#zoom);
  #caption = element("figcaption", { class: "legend" });
  #marks = [];
  #world = null;
  #closer = null;

  constructor() {
    this.root = element("figure", { class: "map" }, this.#frame, this.#caption);
    this.#draw();
  }

  /** Shows a result's places; says whether there are any. */
  show(result) {
    const spots = result.candidates
      .map((candidate, at) => ({ ...candidate, rank: at + 1 }))
      .filter(hasCoordinates);
    const answer = hasCoordinates(result) ? result : null;
    const likeliestLast = [...spots].reverse(); // and so on top
    this.#marks = [...(answer ? [{ ...answer, rank: null }] : []), ...likeliestLast];
    this.#svg.setAttribute("aria-label", spoken(answer, spots));
    this.#caption.replaceChildren(...legend(answer, spots));
    this.#circles.replaceChildren(...likeliestLast.filter(hasRadius).map(circleOf));
    this.#pins.replaceChildren(...this.#marks.map(pinOf));
    this.#world = worldView(this.#marks);
    this.#closer = closerView(this.#marks, this.#world);
    this.#zoom.hidden = this.#closer === null;
    this.#zoom.setAttribute("aria-pressed", "false");
    this.#look(this.#closer ?? this.#world);
    return this.#marks.length > 0;
  }

  /** Lifts one candidate out, by its rank; null for none. */
  highlight(rank) {
    for (const mark of this.root.querySelectorAll("[data-rank]")) {
      mark.classList.toggle("is-lit", mark.dataset.rank === String(rank));
    }
  }

  #toggle() {
    const isWorld = this.#zoom.getAttribute("aria-pressed") !== "true";
    this.#zoom.setAttribute("aria-pressed", String(isWorld));
    this.#look(isWorld ? this.#world : this.#closer);
  }

  #look({ x, y, width, height }) {
    this.#svg.setAttribute("viewBox", [x, y, width, height].map((v) => v.toFixed(2)).join(" "));
    tune(this.#frame, { "aspect-ratio": `${width} / ${height}` });
    this.#marks.forEach(({ longitude, latitude }, at) => {
      const [left, top] = project(longitude, latitude);
      tune(this.#pins.children[at], {
        left: `${(100 * (left - x)) / width}%`,
        top: `${(100 * (top - y)) / height}%`,
      });
    });
  }

  async #draw() {
    try {
      const { land, borders } = await worldOutlines();
      this.#land.setAttribute("d", land);
      this.#borders.setAttribute("d", borders);
    } catch {
      outlines = null;
      this.#frame.append(element("p", { class: "no-land" }, "The outlines could not be fetched."));
    }
  }
}

function hasRadius({ radius_km: radius }) {
  return radius > 0;
}

function circleOf({ latitude, longitude, radius_km: radius, rank }) {
  const around = areas(circle(latitude, longitude, radius));
  return drawn("path", { class: "reach", "data-rank": rank, d: around });
}

function pinOf({ rank }) {
  const kind = rank ? `pin rank-${rank}` : "pin answer";
  return element("span", { class: kind, "data-rank": rank }, rank ? String(rank) : "");
}

function worldView(marks) {
  const height = heightFor(marks.map(({ latitude }) => latitude));
  return { x: -RIM, y: 0, width: WIDTH + 2 * RIM, height };
}

/** A view of all marks in the world's proportions, or null where it would hardly be closer. */
function closerView(marks, world) {
  if (!marks.length) return null;
  const points = marks.flatMap(corners);
  const lefts = points.map((point) => point[0]);
  const tops = points.map((point) => point[1]);
  const [west, east] = [Math.min(...lefts), Math.max(...lefts)];
  const [north, south] = [Math.min(...tops), Math.max(...tops)];
  const ratio = world.width / world.height;
  const needed = Math.max(east - west, (south - north) * ratio) * (1 + 2 * MARGIN);
  const width = Math.max(needed, NARROWEST);
  if (width > WORTH_COMING_CLOSER * world.width) return null;
  const height = width / ratio;
  const within = (value, least, most) => Math.min(Math.max(value, least), most);
  return {
    x: within((west + east - width) / 2, world.x, world.x + world.width - width),
    y: within((north + south - height) / 2, 0, world.height - height),
    width,
    height,
  };
}

/** What of a mark should be seen: its circle where that is small, else its place. */
function corners({ latitude, longitude, radius_km: radius }) {
  const isSmall = radius > 0 && radius <= WIDEST_TO_FIT_KM;
  const around = isSmall ? circle(latitude, longitude, radius) : [];
  if (around.length !== 1) return [project(longitude, latitude)];
  return around[0].map((point) => project(...point));
}

function spoken(answer, spots) {
  const named = spots.map(({ rank, country_name: name, probability }) =>
    `${rank}: ${name}, ${percent(probability)}`);
  const parts = [
    answer ? `the answer, ${place(answer)}` : null,
    named.length ? `candidates ${named.join("; ")}` : null,
  ];
  const marked = parts.filter(Boolean).join(", and ");
  return marked ? `World map with ${marked}.` : "World map";
}

function legend(answer, spots) {
  const key = (name, text) => element("span", {}, element("i", { class: `key ${name}` }), text);
  return [
    spots.length ? key("dot", "a country, numbered by rank") : null,
    spots.some(hasRadius) ? key("area", "how far off, if it is that country") : null,
    answer ? key("ring", "the answer") : null,
  ].filter(Boolean);
}
