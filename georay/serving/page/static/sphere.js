// Circles on the globe, as polygons of [longitude, latitude] in degrees that a flat map can fill.

const EARTH_KM = 6371;
const RADIAN = Math.PI / 180;
const STEPS = 256;

const WORLD = [[-180, -90], [180, -90], [180, 90], [-180, 90]];

/**
 * Everything within `radiusKm` of a place, as polygons to fill by the even-odd rule.
 * Their longitudes stay within ±180: a circle across the date line comes in two pieces, and one
 * that holds a pole reaches from edge to edge of the map.
 */
export function circle(latitude, longitude, radiusKm) {
  const reach = radiusKm / EARTH_KM / RADIAN;
  if (reach <= 0) return [];
  if (reach >= 180) return [WORLD];
  const north = latitude + reach > 90;
  const south = latitude - reach < -90;
  if (north && south) {
    return [WORLD, ...circle(-latitude, turned(longitude + 180), (180 - reach) * RADIAN * EARTH_KM)];
  }
  const edge = ring(latitude, longitude, reach);
  if (north || south) return [aroundPole(edge, north ? 90 : -90)];
  return cutAtDateLine(edge);
}

/** The circle's edge; longitudes run on past ±180 rather than jump. */
function ring(latitude, longitude, reach) {
  const phi = Math.max(-89.999, Math.min(89.999, latitude)) * RADIAN;
  const delta = reach * RADIAN;
  const points = [];
  let before = longitude;
  for (let step = 0; step < STEPS; step += 1) {
    const bearing = (2 * Math.PI * step) / STEPS;
    const sine = Math.sin(phi) * Math.cos(delta) + Math.cos(phi) * Math.sin(delta) * Math.cos(bearing);
    const across = Math.sin(bearing) * Math.sin(delta) * Math.cos(phi);
    const along = Math.cos(delta) - Math.sin(phi) * sine;
    const found = longitude + Math.atan2(across, along) / RADIAN;
    before = found + 360 * Math.round((before - found) / 360);
    points.push([before, Math.asin(Math.max(-1, Math.min(1, sine))) / RADIAN]);
  }
  return points;
}

/** The edge meets every meridian once: follow it from west to east and close along the pole. */
function aroundPole(edge, pole) {
  const points = edge.map(([longitude, latitude]) => [turned(longitude), latitude]);
  points.sort((one, other) => one[0] - other[0]);
  const [first, last] = [points[0], points[points.length - 1]];
  const gap = first[0] + 360 - last[0];
  const atLine = last[1] + ((180 - last[0]) / gap) * (first[1] - last[1]);
  return [[-180, atLine], ...points, [180, atLine], [180, pole], [-180, pole]];
}

function cutAtDateLine(edge) {
  const longitudes = edge.map((point) => point[0]);
  const line = Math.max(...longitudes) > 180 ? 180 : Math.min(...longitudes) < -180 ? -180 : null;
  if (line === null) return [edge];
  const shift = line > 0 ? -360 : 360;
  const west = oneSide(edge, line, -1);
  const east = oneSide(edge, line, 1);
  const moved = (points) => points.map(([longitude, latitude]) => [longitude + shift, latitude]);
  return (line > 0 ? [west, moved(east)] : [moved(west), east]).filter((part) => part.length > 2);
}

/** The part of a polygon west (-1) or east (1) of a meridian. */
function oneSide(points, line, side) {
  const kept = [];
  points.forEach((point, at) => {
    const next = points[(at + 1) % points.length];
    const inside = (point[0] - line) * side >= 0;
    if (inside) kept.push(point);
    if (inside !== ((next[0] - line) * side >= 0)) {
      const way = (line - point[0]) / (next[0] - point[0]);
      kept.push([line, point[1] + way * (next[1] - point[1])]);
    }
  });
  return kept;
}

/** A longitude brought back to -180 … 180. */
function turned(longitude) {
  return longitude - 360 * Math.round(longitude / 360);
}
