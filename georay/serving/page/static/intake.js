// How pictures get in: chosen, dropped anywhere on the page, or pasted.

const FILES = "Files";

/** Calls `take(files)` with what a reader gives, in the order given. */
export function takePictures(take) {
  const give = (list) => {
    const files = [...list];
    if (files.length) take(files);
  };
  chooseInto(give);
  dropInto(give);
  document.addEventListener("paste", (event) => {
    if (!event.clipboardData?.files.length) return;
    event.preventDefault();
    give(event.clipboardData.files);
  });
}

function chooseInto(give) {
  const input = document.getElementById("files");
  input.addEventListener("change", () => {
    give(input.files);
    input.value = ""; // so that choosing the same file again asks again
  });
  document.getElementById("ask").addEventListener("submit", (event) => event.preventDefault());
}

function dropInto(give) {
  const zone = document.getElementById("drop");
  let depth = 0;
  const carriesFiles = (event) => event.dataTransfer?.types.includes(FILES);
  const hover = (change) => {
    depth = change === 0 ? 0 : depth + change;
    zone.classList.toggle("is-over", depth > 0);
  };
  const on = (name, deed) =>
    document.addEventListener(name, (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      deed(event);
    });
  on("dragenter", () => hover(1));
  on("dragleave", () => hover(-1));
  on("dragover", (event) => {
    event.dataTransfer.dropEffect = "copy";
  });
  on("drop", (event) => {
    hover(0);
    give(event.dataTransfer.files);
  });
}
