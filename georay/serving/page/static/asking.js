// Asking about one picture, until there is an answer or a reason why there is none.

import { Refusal, locate, locateStream, refusalOf } from "./api.js";

const MOST_TRIES = 10;
const USUAL_WAIT_S = 2;
const LONGEST_WAIT_S = 60;
const NO_STREAM_HERE = [404, 405, 406, 501];

/**
 * Returns the result of one picture. While it lasts, `tell(state, facts)` hears of:
 * "waiting" · "busy" {message, seconds} · "place" {result} · "reasons" {text}.
 * Throws a Refusal, or the signal's reason where the reader stopped it.
 */
export async function ask(picture, options, tell, signal) {
  for (let tries = 1; ; tries += 1) {
    tell("waiting", {});
    try {
      return await once(picture, options, tell, signal);
    } catch (problem) {
      if (!(problem instanceof Refusal && problem.isBusy) || tries === MOST_TRIES) throw problem;
      const seconds = Math.min(Math.max(problem.retryAfter ?? USUAL_WAIT_S, 1), LONGEST_WAIT_S);
      tell("busy", { message: problem.message, seconds });
      await pause(seconds, signal);
    }
  }
}

async function once(picture, options, tell, signal) {
  if (!options.stream) return resultOf(await locate(picture, options, signal));
  try {
    return await streamed(picture, options, tell, signal);
  } catch (problem) {
    if (!(problem instanceof Refusal && NO_STREAM_HERE.includes(problem.status))) throw problem;
    return resultOf(await locate(picture, options, signal));
  }
}

async function streamed(picture, options, tell, signal) {
  for await (const { event, data } of locateStream(picture, options, signal)) {
    if (event === "place") tell("place", { result: resultOf(data) });
    if (event === "reasons") tell("reasons", { text: data.text });
    if (event === "error") throw refusalOf(data);
    if (event === "done") return resultOf(data);
  }
  throw new Refusal(0, { message: "The answer broke off midway." });
}

/** One picture's result, together with what the response says of all of them. */
function resultOf(body) {
  const result = body.results ? body.results[0] : body;
  return { ...result, request_id: body.request_id ?? null, model: body.model ?? null };
}

function pause(seconds, signal) {
  return new Promise((resume, stop) => {
    const timer = setTimeout(resume, 1000 * seconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      stop(signal.reason);
    }, { once: true });
  });
}
