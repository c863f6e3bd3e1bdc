// The drawn scenes that the server offers to try.

import { Refusal, get } from "./api.js";
import { element } from "./dom.js";

const OWN_PICTURE = /^v1\/samples\/[\w.-]+$/;

/** Shows the samples, if the server has any; `take(sample)` hears which one was picked. */
export async function offerSamples(take) {
  const { samples } = await get("v1/samples");
  const own = samples.map(({ title, url, name }) => ({ title, name, path: url.replace(/^\/+/, "") }))
    .filter(({ path }) => OWN_PICTURE.test(path));
  document.getElementById("samples").replaceChildren(...own.map((sample) => choice(sample, take)));
  document.getElementById("try").hidden = own.length === 0;
}

/** The sample as a file, as if it had been chosen. Throws a Refusal where it cannot be had. */
export async function openSample({ path, name, title }) {
  const response = await fetch(path).catch(() => null);
  if (!response?.ok) {
    throw new Refusal(response?.status ?? 0, { message: `${title} could not be fetched.` });
  }
  const picture = await response.blob();
  return new File([picture], name || title, { type: picture.type });
}

function choice(sample, take) {
  const button = element(
    "button",
    { type: "button", class: "sample", onclick: () => take(sample) },
    element("img", { src: sample.path, alt: "", loading: "lazy", width: 240, height: 160 }),
    element("span", {}, sample.title),
  );
  return element("li", {}, button);
}
