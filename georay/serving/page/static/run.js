// One go: the pictures that were given together, each with its own state.

import { Refusal } from "./api.js";
import { ask } from "./asking.js";

const AT_ONCE = 3;
const OPEN = ["waiting", "busy"];
const WORTH_ANOTHER_TRY = ["failed", "stopped", "rejected"];

/** A picture and what is known of it. `state`: waiting, busy, done, rejected, failed or stopped. */
class Entry {
  constructor(file) {
    this.file = file;
    this.name = file.name || "pasted picture";
    this.url = URL.createObjectURL(file);
    this.state = "waiting";
    this.isWriting = false;
    this.busy = null;
    this.result = null;
    this.problem = null;
  }
}

export class Run {
  #stopping = new AbortController();
  #options;
  #changed;

  /**
   * `options()` gives {fields, key} as they stand when asked;
   * `changed(entry)` is called whenever something about a picture has changed.
   */
  constructor(files, options, changed) {
    this.entries = files.map((file) => new Entry(file));
    this.#options = options;
    this.#changed = changed;
  }

  get isOver() {
    return !this.entries.some(({ state }) => OPEN.includes(state));
  }

  /** Asks about every picture, a few at a time; never throws. */
  async start() {
    await this.#askAll([...this.entries]);
  }

  /** Asks again about the pictures that have no answer. */
  async retry() {
    this.#stopping = new AbortController();
    const without = this.entries.filter(({ state }) => WORTH_ANOTHER_TRY.includes(state));
    without.forEach((entry) => Object.assign(entry, { state: "waiting", problem: null }));
    await this.#askAll(without);
  }

  /** Asks no further. */
  stop() {
    this.#stopping.abort();
  }

  /** Gives the pictures' memory back. The run is not to be shown any more. */
  discard() {
    this.stop();
    this.entries.forEach(({ url }) => URL.revokeObjectURL(url));
  }

  async #askAll(waiting) {
    const { signal } = this.#stopping;
    const options = this.#options();
    options.stream = this.entries.length === 1 && options.fields.reasons;
    const worker = async () => {
      while (waiting.length) await this.#work(waiting.shift(), options, signal);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  }

  async #work(entry, options, signal) {
    try {
      signal.throwIfAborted();
      entry.result = await ask(entry.file, options, (...news) => this.#hear(entry, ...news), signal);
      entry.state = "done";
    } catch (problem) {
      settle(entry, problem, signal);
    }
    entry.isWriting = false;
    this.#changed(entry);
  }

  #hear(entry, state, facts) {
    if (state === "place") {
      entry.result = { ...facts.result, reasons: null };
      entry.isWriting = true;
    } else if (state === "reasons") {
      entry.result = { ...entry.result, reasons: (entry.result?.reasons ?? "") + facts.text };
    } else {
      entry.state = state;
      entry.result = null;
      entry.isWriting = false;
      entry.busy = state === "busy" ? deadline(facts) : null;
    }
    this.#changed(entry);
  }
}

function deadline(facts) {
  return { ...facts, until: performance.now() + 1000 * facts.seconds };
}

/** Why there is no answer: stopped by the reader, refused, or not to be understood. */
function settle(entry, problem, signal) {
  if (signal.aborted) {
    entry.state = "stopped";
    return;
  }
  entry.problem = problem;
  if (!(problem instanceof Refusal)) {
    console.error(problem);
    entry.problem = new Refusal(0, { message: "The server’s answer could not be read." });
  }
  entry.state = entry.problem.isRejected ? "rejected" : "failed";
}
