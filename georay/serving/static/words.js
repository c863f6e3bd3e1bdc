// How an answer is put into words: one place for the heading, the state line, the table and files.

import { degrees, kilometres, percent } from "./dom.js";

const WITHOUT_PLACE = {
  abstained: {
    title: "Too uncertain to name a place",
    sentence: "The model would rather not guess: no country is likely enough. That is a fair answer; what it holds likeliest is below.",
  },
  refused: {
    title: "The model declined to say",
    sentence: "It answered, but would not name a place for this picture. Another picture, or other options, may fare better.",
  },
  unparseable: {
    title: "No place in the answer",
    sentence: "The model wrote something, but no place could be read in it. With “only known places” switched on, it keeps to the form.",
  },
  failed: { title: "This picture could not be located", sentence: "" },
};

/** {title, sentence} of a result. */
export function inWords(result) {
  const known = WITHOUT_PLACE[result.status];
  if (!known) return { title: place(result), sentence: certainty(result) };
  return { title: known.title, sentence: result.error ?? known.sentence };
}

/** "Santiago, Chile", or where it is if it has no name. */
export function place(result) {
  const named = [result.city, result.country_name ?? result.country].filter(Boolean).join(", ");
  if (named) return named;
  return hasCoordinates(result) ? degrees(result.latitude, result.longitude) : "A place without a name";
}

export function hasCoordinates(result) {
  return Number.isFinite(result.latitude) && Number.isFinite(result.longitude);
}

/** One line for the state of things, also read aloud. */
export function announcement(entry) {
  const { title, sentence } = inWords(entry.result);
  const lead = entry.result.status === "answered" ? `Answer: ${title}.` : `${title}.`;
  return [lead, sentence, entry.result.warning ? sentenceOf(entry.result.warning) : ""].filter(Boolean).join(" ");
}

/** A server's phrase as a sentence: a capital first, a full stop last. */
export function sentenceOf(phrase) {
  const text = phrase.trim();
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?…]$/.test(text) ? "" : ".");
}

function certainty(result) {
  const said = [];
  if (Number.isFinite(result.confidence)) said.push(`${percent(result.confidence)} sure of the country.`);
  if (Number.isFinite(result.expected_distance_km)) {
    said.push(`About ${kilometres(result.expected_distance_km)} off, if the probabilities hold.`);
  }
  return said.join(" ");
}
