// Server-sent events read from a response's body (EventSource cannot send a picture).

/** Yields {event, data} for each message of a byte stream; data is parsed as JSON. */
export async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let unread = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      unread = (unread + value).replaceAll("\r\n", "\n");
      const messages = unread.split("\n\n");
      unread = messages.pop();
      yield* messages.map(message).filter(Boolean);
    }
    const last = message(unread);
    if (last) yield last;
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** One message, or null for a comment that only keeps the line open. */
function message(text) {
  let event = "message";
  const data = [];
  for (const row of text.split("\n")) {
    const [, field, value] = /^([^:]*):? ?(.*)$/.exec(row);
    if (field === "event") event = value;
    if (field === "data") data.push(value);
  }
  return data.length ? { event, data: JSON.parse(data.join("\n")) } : null;
}
