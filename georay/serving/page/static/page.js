// Puts the page together: pictures in, answers out.

import { get } from "./api.js";
import { element } from "./dom.js";
import { takePictures } from "./intake.js";
import { WorldMap } from "./map.js";
import { ResultView } from "./result.js";
import { Run } from "./run.js";
import { offerSamples, openSample } from "./samples.js";
import { Status } from "./status.js";
import { BatchTable } from "./table.js";
import { sentenceOf } from "./words.js";

const byId = (id) => document.getElementById(id);
const answer = byId("answer");
const status = new Status({ stop: () => run.stop(), again: () => run.retry() });
const table = new BatchTable((entry) => {
  show(entry);
  answer.scrollIntoView({ block: "start" });
  answer.focus({ preventScroll: true });
});
let run = null;
let view = null;
let shown = null;
let turn = 0;

/** Asks about the pictures that a reader gave; what was asked before makes room. */
async function begin(files) {
  makeRoom();
  const started = new Run(files, options, (entry) => heard(started, entry));
  run = started;
  table.open(run.entries);
  byId("status").scrollIntoView({ block: "nearest" });
  await run.start();
}

/** The same for a sample, which is fetched first. */
async function beginSample(sample) {
  makeRoom();
  const mine = turn;
  status.reading(sample.title);
  try {
    const picture = await openSample(sample);
    if (turn === mine) await begin([picture]); // else something else was asked meanwhile
  } catch (problem) {
    if (turn === mine) status.unread(problem.message);
  }
}

function makeRoom() {
  turn += 1;
  run?.discard();
  run = null;
  table.open([]);
  withdraw();
}

function heard(from, entry) {
  if (from !== run) return;
  status.follow(run);
  table.update(entry);
  if (entry.problem?.status === 401) byId("options").open = true;
  if (entry.result && (shown === null || shown === entry)) show(entry);
  else if (!entry.result && shown === entry) withdraw();
}

function show(entry) {
  if (shown !== entry) {
    view = new ResultView();
    answer.replaceChildren(view.root);
  }
  shown = entry;
  view.show(entry);
  table.choose(entry);
}

function withdraw() {
  [view, shown] = [null, null];
  const empty = new WorldMap();
  empty.show({ candidates: [] });
  answer.replaceChildren(element("div", { class: "empty" }, empty.root));
}

/** The reader's choices as form fields; what the server decides by itself is not sent. */
function options() {
  const fields = { top_k: byId("top_k").value, overlay: byId("locatability").checked };
  for (const name of ["reasons", "constrained", "locatability"]) fields[name] = byId(name).checked;
  if (byId("adapter").value) fields.adapter = byId("adapter").value;
  return { fields, key: byId("key").value.trim() };
}

async function nameModel() {
  const { data } = await get("v1/models");
  if (!data?.length) return;
  byId("model").textContent = data[0].id;
  if (data[0].caveat) {
    byId("caveat").textContent = sentenceOf(data[0].caveat);
    byId("caveat").hidden = false;
  }
}

withdraw();
takePictures(begin);
await Promise.allSettled([offerSamples(beginSample), nameModel()]);
