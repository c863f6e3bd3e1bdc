// The line that says what is going on, for eyes and for screen readers.

import { count, element } from "./dom.js";
import { announcement, sentenceOf } from "./words.js";

const TICK_MS = 250;

export class Status {
  #root = document.getElementById("status");
  #says = document.getElementById("says");
  #clock = document.getElementById("clock");
  #actions = document.getElementById("actions");
  #timer = null;
  #since = 0;

  /** `deeds`: what the buttons do: {stop, again}. */
  constructor(deeds) {
    this.deeds = deeds;
    this.say("idle", "No picture yet.");
  }

  /** The files are being fetched or opened. */
  reading(name) {
    this.say("reading", `Reading ${name} …`);
  }

  /** A picture that never reached the server. */
  unread(message) {
    this.say("failed", message);
  }

  /** What becomes of a run. */
  follow(run) {
    if (run.entries.length > 1) this.#followMany(run);
    else this.#followOne(run.entries[0]);
  }

  #followOne(entry) {
    const { state, name, problem, busy } = entry;
    if (state === "waiting" && entry.isWriting) {
      this.say("waiting", `${announcement(entry)} The model is writing its reasons …`, ["stop"]);
    } else if (state === "waiting") this.say("waiting", `Asking the model about ${name} …`, ["stop"]);
    else if (state === "busy") this.#countDown(busy);
    else if (state === "done") this.say(tone(entry.result), announcement(entry));
    else if (state === "stopped") this.say("idle", "Stopped.", ["again"]);
    else if (state === "rejected") {
      const isKeyMissing = problem.status === 401;
      this.say("rejected", `${name} was not accepted. ${sentenceOf(problem.message)}`, isKeyMissing ? ["again"] : []);
    } else this.say("failed", `No answer for ${name}. ${sentenceOf(problem.message)}`, ["again"]);
  }

  #followMany({ entries, isOver }) {
    const number = (...states) => entries.filter(({ state }) => states.includes(state)).length;
    const unlocated = entries.filter(({ result }) => result?.status === "failed").length;
    const answered = `${number("done") - unlocated} of ${count(entries.length, "picture", "pictures")} answered`;
    const lost = number("rejected", "failed") + unlocated;
    const without = lost ? `, ${lost} without an answer` : "";
    const busy = entries.find((entry) => entry.state === "busy")?.busy;
    if (isOver) {
      const stopped = number("stopped") ? `, ${number("stopped")} not asked` : "";
      this.say(lost ? "careful" : "done", `${answered}${without}${stopped}.`, number("failed", "stopped") ? ["again"] : []);
    } else if (busy && number("waiting") === 0) this.#countDown(busy);
    else this.say("waiting", `${answered}${without} …`, ["stop"]);
  }

  #countDown({ message, seconds, until }) {
    this.say("busy", `${sentenceOf(message)} Asking again in ${count(Math.ceil(seconds), "second", "seconds")}.`, ["stop"], until);
  }

  /** Shows a state. The clock beside it ticks for the eye only: read aloud, it would be noise. */
  say(kind, text, actions = [], until = null) {
    const isWaiting = kind === "waiting" && this.#root.dataset.kind === "waiting";
    if (!isWaiting) this.#since = performance.now();
    this.#root.dataset.kind = kind;
    if (this.#says.textContent !== text) this.#says.textContent = text;
    this.#offer(actions);
    clearInterval(this.#timer);
    const tick = () => this.#tick(kind, until);
    tick();
    if (kind === "waiting" || kind === "busy") this.#timer = setInterval(tick, TICK_MS);
  }

  #tick(kind, until) {
    const seconds = until ? (until - performance.now()) / 1000 : (performance.now() - this.#since) / 1000;
    const shown = Math.max(0, until ? Math.ceil(seconds) : Math.floor(seconds));
    this.#clock.textContent = kind === "waiting" || kind === "busy" ? `${shown} s` : "";
  }

  #offer(actions) {
    const wanted = actions.join();
    if (this.#actions.dataset.offered === wanted) return; // a button that has the focus stays
    this.#actions.dataset.offered = wanted;
    const hadFocus = this.#actions.contains(document.activeElement);
    const labels = { stop: "Stop", again: "Try again" };
    this.#actions.replaceChildren(
      ...actions.map((name) =>
        element("button", { type: "button", class: "button quiet", onclick: () => this.deeds[name]() }, labels[name])),
    );
    if (hadFocus) this.#actions.firstElementChild?.focus();
  }
}

function tone({ status, warning }) {
  if (status === "failed") return "failed";
  return status === "answered" && !warning ? "done" : "careful";
}
