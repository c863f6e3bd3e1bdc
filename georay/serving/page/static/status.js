// The line that says what is going on, for eyes and for screen readers.

import { count, element } from "./dom.js";
import { announcement, isDoubtful, sentenceOf } from "./words.js";

const TICK_MS = 250;
const TICKING = ["waiting", "busy"];
const DEEDS = { stop: "Stop", again: "Try again" };

export class Status {
  #root = document.getElementById("status");
  #says = document.getElementById("says");
  #clock = document.getElementById("clock");
  #actions = document.getElementById("actions");
  #offered = "";
  #timer = null;
  #since = 0;
  #deeds;

  /** `deeds`: what the buttons do: {stop, again}. */
  constructor(deeds) {
    this.#deeds = deeds;
    this.#say("idle", "No picture yet.");
  }

  /** A file is being fetched or opened. */
  reading(name) {
    this.#say("reading", `Reading ${name} …`);
  }

  /** A picture that never reached the server. */
  unread(message) {
    this.#say("failed", message);
  }

  /** What becomes of a run. */
  follow(run) {
    if (run.entries.length > 1) this.#followMany(run);
    else this.#followOne(run.entries[0]);
  }

  #followOne(entry) {
    const problem = entry.problem ? sentenceOf(entry.problem.message) : "";
    const states = {
      waiting: () => this.#say("waiting", waitingWords(entry), ["stop"]),
      busy: () => this.#countDown(entry.busy),
      done: () => this.#say(tone(entry.result), announcement(entry)),
      stopped: () => this.#say("idle", "Stopped.", ["again"]),
      rejected: () =>
        this.#say("rejected", `${entry.name} was not accepted. ${problem}`, rejectedDeeds(entry)),
      failed: () => this.#say("failed", `No answer for ${entry.name}. ${problem}`, ["again"]),
    };
    states[entry.state]();
  }

  #followMany({ entries, isOver }) {
    const number = (...states) => entries.filter(({ state }) => states.includes(state)).length;
    const unlocated = entries.filter(({ result }) => result?.status === "failed").length;
    const lost = number("rejected", "failed") + unlocated;
    const words = [
      `${number("done") - unlocated} of ${count(entries.length, "picture", "pictures")} answered`,
      lost ? `${lost} without an answer` : "",
      isOver && number("stopped") ? `${number("stopped")} not asked` : "",
    ].filter(Boolean).join(", ");
    const busy = entries.find(({ state }) => state === "busy")?.busy;
    const deeds = number("failed", "stopped") ? ["again"] : [];
    if (isOver) this.#say(lost ? "careful" : "done", `${words}.`, deeds);
    else if (busy && number("waiting") === 0) this.#countDown(busy);
    else this.#say("waiting", `${words} …`, ["stop"]);
  }

  #countDown({ message, seconds, until }) {
    const again = `Asking again in ${count(Math.ceil(seconds), "second", "seconds")}.`;
    this.#say("busy", `${sentenceOf(message)} ${again}`, ["stop"], until);
  }

  #say(kind, text, deeds = [], until = null) {
    const goesOn = kind === "waiting" && this.#root.dataset.kind === "waiting";
    if (!goesOn) this.#since = performance.now();
    this.#root.dataset.kind = kind;
    if (this.#says.textContent !== text) this.#says.textContent = text;
    this.#offer(deeds);
    this.#runClock(TICKING.includes(kind), until);
  }

  /** The clock ticks for the eye only: read aloud, it would be noise. */
  #runClock(isTicking, until) {
    clearInterval(this.#timer);
    const tick = () => {
      const seconds = until
        ? Math.ceil((until - performance.now()) / 1000)
        : Math.floor((performance.now() - this.#since) / 1000);
      this.#clock.textContent = isTicking ? `${Math.max(0, seconds)} s` : "";
    };
    tick();
    if (isTicking) this.#timer = setInterval(tick, TICK_MS);
  }

  #offer(deeds) {
    if (this.#offered === deeds.join()) return; // a button that has the focus stays
    this.#offered = deeds.join();
    const hadFocus = this.#actions.contains(document.activeElement);
    const buttons = deeds.map((name) => {
      const onclick = () => this.#deeds[name]();
      return element("button", { type: "button", class: "button quiet", onclick }, DEEDS[name]);
    });
    this.#actions.replaceChildren(...buttons);
    if (hadFocus) buttons[0]?.focus();
  }
}

function waitingWords(entry) {
  if (!entry.isWriting) return `Asking the model about ${entry.name} …`;
  return `${announcement(entry)} The model is writing its reasons …`;
}

function tone(result) {
  const { status, warning } = result;
  if (status === "failed") return "failed";
  return status === "answered" && !warning && !isDoubtful(result) ? "done" : "careful";
}

/** With the missing key filled in, the same may be accepted. */
function rejectedDeeds({ problem }) {
  return problem.status === 401 ? ["again"] : [];
}
