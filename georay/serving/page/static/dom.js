// Elements are made here only. Whatever a server or a file name says enters as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element; attributes that are null, undefined or false are left out, `on…` are listeners. */
export function element(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function drawn(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Sets a custom property: the page's policy forbids style attributes, not the style object. */
export function tune(made, properties) {
  for (const [name, value] of Object.entries(properties)) made.style.setProperty(name, value);
  return made;
}

/** A share between 0 and 1 as a CSS percentage. */
export function share(value) {
  return `${(100 * Math.min(Math.max(value, 0), 1)).toFixed(2)}%`;
}

/** "38%", "4.2%", "below 0.1%", "over 99%". */
export function percent(value) {
  if (value > 0 && value < 0.001) return "below 0.1%";
  if (value > 0.995 && value < 1) return "over 99%";
  return `${(100 * value).toFixed(value < 0.0995 && value > 0 ? 1 : 0)}%`;
}

/** "1,240 km", rounded to what a guess deserves. */
export function kilometres(value) {
  const step = value < 10 ? 0.1 : value < 100 ? 1 : 10;
  return `${(Math.round(value / step) * step).toLocaleString("en", { maximumFractionDigits: 1 })} km`;
}

/** "33.46° S, 70.65° W". */
export function degrees(latitude, longitude) {
  const north = `${Math.abs(latitude).toFixed(2)}° ${latitude < 0 ? "S" : "N"}`;
  return `${north}, ${Math.abs(longitude).toFixed(2)}° ${longitude < 0 ? "W" : "E"}`;
}

/** "12.4 MB". */
export function fileSize(bytes) {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** "1 picture", "3 pictures". */
export function count(number, one, many) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

/** A piece of the page that is drawn anew only when what it shows has changed. */
export class Part {
  constructor(root, build) {
    this.root = root;
    this.build = build;
    this.shown = undefined;
  }

  show(...values) {
    const now = JSON.stringify(values);
    if (now === this.shown) return;
    this.shown = now;
    this.root.replaceChildren(...this.build(...values).filter(Boolean));
    this.root.hidden = this.root.childNodes.length === 0;
  }
}
