"use strict";
(() => {
  const slider = document.getElementById("what-if");
  if (!slider) return;
  const kept = JSON.parse(slider.dataset.kept);
  const scored = Number(slider.dataset.scored);
  const output = slider.parentElement.querySelector("output");
  const line = document.querySelector(".threshold.trial");
  const given = slider.value;
  const show = () => {
    const count = kept[Math.round(slider.value * 100)];
    const share = Math.round((100 * count) / scored);
    output.textContent = `${Number(slider.value).toFixed(2)} would keep ${count.toLocaleString("en")} (${share}%)`;
    line.hidden = slider.value === given;
    line.style.left = `${(100 * slider.value) / slider.max}%`;
  };
  slider.parentElement.hidden = false;
  slider.addEventListener("input", show);
  show();
})();
