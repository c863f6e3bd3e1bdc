// The Natural Earth projection (Šavrič, Jenny, Patterson, Petrovič, Hurni 2011), as in the reports.

export const WIDTH = 1000;
const NORTH = 84;
const SOUTH = -57;
const EDGE_STEP = 2; // degrees between points along the map's curved edge
const X_TERMS = [[0, 0.8707], [2, -0.131979], [4, -0.013791], [10, 0.003971], [12, -0.001529]];
const Y_TERMS = [[0, 1.007226], [2, 0.015085], [6, -0.044475], [8, 0.028874], [10, -0.005916]];
const UNIT = WIDTH / (2 * Math.PI * X_TERMS[0][1]);
const RADIAN = Math.PI / 180;

const polynomial = (terms, phi) => terms.reduce((sum, [power, by]) => sum + by * phi ** power, 0);
const upward = (phi) => phi * polynomial(Y_TERMS, phi);

/** Degrees to map units: the equator is WIDTH long, y grows southward from the northern edge. */
export function project(longitude, latitude) {
  const phi = latitude * RADIAN;
  const x = WIDTH / 2 + UNIT * longitude * RADIAN * polynomial(X_TERMS, phi);
  return [x, UNIT * (upward(NORTH * RADIAN) - upward(phi))];
}

/** The map's height: down to where people live, or to the pole where a place lies farther south. */
export function heightFor(latitudes) {
  return project(0, Math.min(...latitudes, 0) < SOUTH ? -90 : SOUTH)[1];
}

/** SVG path data of closed polygons of [longitude, latitude]. */
export function areas(polygons) {
  return polygons.map((points) => `${line(alongEdge(points))}z`).join("");
}

/** SVG path data of one open line. */
export function line(points) {
  const pairs = points.map((point) => project(...point).map((value) => value.toFixed(2)).join(" "));
  return `M${pairs.join("L")}`;
}

/** Points added where a polygon follows the edge of the map, which is curved. */
function alongEdge(points) {
  return points.flatMap((point, at) => {
    const next = points[(at + 1) % points.length];
    if (point[0] !== next[0] || Math.abs(point[0]) !== 180) return [point];
    const rise = next[1] - point[1];
    const steps = Math.max(1, Math.ceil(Math.abs(rise) / EDGE_STEP));
    return Array.from({ length: steps }, (_, step) => [point[0], point[1] + (step / steps) * rise]);
  });
}

/** The outlines as the server keeps them (steps in tenths of a degree) to points in degrees. */
export function unpack(steps) {
  const points = [];
  let [longitude, latitude] = [0, 0];
  for (let at = 0; at < steps.length; at += 2) {
    longitude += steps[at];
    latitude += steps[at + 1];
    points.push([longitude / 10, latitude / 10]);
  }
  return points;
}
