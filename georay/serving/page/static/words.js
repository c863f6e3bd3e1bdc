// How an answer is put into words: one place for the heading, the state line, the table and files.

import { degrees, kilometres, percent } from "./dom.js";

const WITHOUT_PLACE = {
  abstained: [
    "Too uncertain to name a place",
    "The model would rather not guess: no country is likely enough. That is a fair answer;" +
      " what it holds likeliest is below.",
  ],
  refused: [
    "The model declined to say",
    "It answered, but would not name a place for this picture. Another picture, or other" +
      " options, may fare better.",
  ],
  unparseable: [
    "No place in the answer",
    "The model wrote something, but no place could be read in it. With “only known places”" +
      " switched on, it keeps to the form.",
  ],
  failed: ["This picture could not be located", ""],
};

const DOUBTS = {
  unsure: (result) =>
    `Too little in this picture speaks for one place; this is the likeliest. ${certainty(result)}`,
  unfamiliar: ({ model }) =>
    "This picture is not like those that the model knows, so its answer means little." +
    (model?.caveat ? ` ${sentenceOf(model.caveat)}` : ""),
};

/** Whether an answer is only the best guess. */
export function isDoubtful({ status, sureness }) {
  return status === "answered" && sureness in DOUBTS;
}

/** {title, sentence} of a result. */
export function inWords(result) {
  const without = WITHOUT_PLACE[result.status];
  if (!without && isDoubtful(result)) {
    return { title: `Not sure: perhaps ${place(result)}`, sentence: DOUBTS[result.sureness](result) };
  }
  if (!without) return { title: place(result), sentence: certainty(result) };
  const [title, sentence] = without;
  return { title, sentence: result.error ? sentenceOf(result.error) : sentence };
}

/** "Santiago, Chile", or where it is if it has no name. */
export function place(result) {
  const country = result.country_name ?? result.country;
  const named = [result.city, country].filter(Boolean).join(", ");
  if (named) return named;
  if (hasCoordinates(result)) return degrees(result.latitude, result.longitude);
  return "A place without a name";
}

/** How sure an answer is, where that means anything. */
export function sureShare(result) {
  return result?.sureness === "unfamiliar" ? null : result?.confidence;
}

export function hasCoordinates({ latitude, longitude }) {
  return Number.isFinite(latitude) && Number.isFinite(longitude);
}

/** One line for the state of things, also read aloud. */
export function announcement({ result }) {
  const { title, sentence } = inWords(result);
  const lead = result.status === "answered" ? `Answer: ${title}.` : `${title}.`;
  const warning = result.warning ? sentenceOf(result.warning) : "";
  return [lead, sentence, warning].filter(Boolean).join(" ");
}

/** A server's phrase as a sentence: a capital first, a full stop last. */
export function sentenceOf(phrase) {
  const text = phrase.trim();
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?…]$/.test(text) ? "" : ".");
}

function certainty({ confidence, sureness, expected_distance_km: distance }) {
  const said = [];
  const fitted = sureness ? "" : ", uncalibrated";
  if (Number.isFinite(confidence)) said.push(`${percent(confidence)} sure of the country${fitted}.`);
  if (Number.isFinite(distance)) {
    said.push(`About ${kilometres(distance)} off, if the probabilities hold.`);
  }
  return said.join(" ");
}
