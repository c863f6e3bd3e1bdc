// What the page asks the server, and how the server's refusals read.

import { events } from "./sse.js";
import { fileSize } from "./dom.js";

const PATIENCE_MS = 180_000;
const LARGE_BYTES = 4_000_000;
const STATUS_OF = {
  unauthorised: 401, too_large: 413, unsupported_type: 415, invalid: 422,
  busy: 429, rate_limited: 429, unavailable: 503, timeout: 504,
};
const SENTENCES = {
  401: "This server asks for a key: put it under Options.",
  413: "The file is larger than this server takes.",
  415: "This server takes JPEG, PNG and WebP pictures only.",
  422: "No picture could be read in what was sent.",
  429: "The model is busy.",
  503: "The model is not ready.",
  504: "The model took too long.",
};

/** The server said no, or nothing. `status` is 0 where no answer came at all. */
export class Refusal extends Error {
  constructor(status, { code = null, message = null, request_id = null } = {}, retryAfter = null) {
    super(message || SENTENCES[status] || `The server answered with status ${status}.`);
    Object.assign(this, { status, code, requestId: request_id, retryAfter });
  }

  /** Worth asking again by itself: full now, and the server says when it may not be. */
  get isBusy() {
    return this.status === 429 || (this.status === 503 && this.retryAfter !== null);
  }

  /** The picture or the request is at fault: asking the same again will not help. */
  get isRejected() {
    return this.status >= 400 && this.status < 500 && !this.isBusy;
  }
}

/** The answer about one picture, whole. */
export async function locate(picture, options, signal) {
  return (await send("v1/locate", picture, options, signal)).json();
}

/** {event, data} as the server works: place, reasons …, done. */
export async function* locateStream(picture, options, signal) {
  const response = await send("v1/locate/stream", picture, options, signal);
  if (!(response.headers.get("content-type") ?? "").startsWith("text/event-stream")) {
    yield { event: "done", data: await response.json() };
    return;
  }
  try {
    yield* events(response.body);
  } catch (problem) {
    throw signal.aborted ? problem : new Refusal(0, { message: "The answer broke off midway." });
  }
}

/** What an `error` event of the stream says. */
export function refusalOf(data) {
  const said = data.error ?? data;
  return new Refusal(STATUS_OF[said.code] ?? 500, said, said.retry_after ?? null);
}

/** Something the page itself needs: the outlines, the list of samples. */
export async function get(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Refusal(response.status);
  return response.json();
}

async function send(path, picture, options, signal) {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  try {
    const response = await fetch(path, {
      method: "POST",
      body: form(picture, options),
      headers: options.key ? { Authorization: `Bearer ${options.key}` } : {},
      signal: AbortSignal.any([signal, patience]),
    });
    if (response.ok) return response;
    throw await refused(response);
  } catch (problem) {
    if (problem instanceof Refusal || signal.aborted) throw problem;
    throw new Refusal(0, { message: patience.aborted ? SENTENCES[504] : unreachable(picture) });
  }
}

function form(picture, options) {
  const fields = new FormData();
  fields.append("images", picture, picture.name);
  for (const [name, value] of Object.entries(options.fields)) fields.append(name, String(value));
  return fields;
}

async function refused(response) {
  const said = await response.json().catch(() => ({}));
  const seconds = Number.parseFloat(response.headers.get("retry-after"));
  return new Refusal(response.status, said.error ?? {}, Number.isFinite(seconds) ? seconds : null);
}

function unreachable(picture) {
  const hint = picture.size > LARGE_BYTES
    ? ` The file has ${fileSize(picture.size)}: it may be more than this server takes.`
    : " Is it running, and are you connected?";
  return `The server could not be reached.${hint}`;
}
