// Comforts for JSON text areas, copy buttons and filters. Every page works without them; the server judges the JSON,
// because JSON.parse would round numbers.
(() => {
  "use strict";
  document.documentElement.classList.add("js");

  for (const area of document.querySelectorAll("textarea.json-text:not([readonly])")) {
    const box = document.createElement("div");
    const lines = document.createElement("pre");
    box.className = "json-box";
    lines.className = "lines";
    lines.setAttribute("aria-hidden", "true");
    area.replaceWith(box);
    box.append(lines, area);
    area.wrap = "off";
    if (!area.closest(".editor")) area.rows = Math.min(30, Math.max(5, area.value.split("\n").length + 1));
    const wrong = Number(area.dataset.line || 0);
    let count = 0;

    const number = () => {
      const now = area.value.split("\n").length;
      if (now === count) return;
      count = now;
      lines.replaceChildren();
      for (let line = 1; line <= now; line += 1) {
        const shown = line === wrong ? document.createElement("mark") : document.createTextNode(String(line));
        if (line === wrong) shown.textContent = String(line);
        lines.append(shown, "\n");
      }
    };
    const follow = () => { lines.style.height = `${area.offsetHeight}px`; lines.scrollTop = area.scrollTop; };
    area.addEventListener("input", () => { number(); follow(); });
    area.addEventListener("scroll", follow);
    new ResizeObserver(follow).observe(area);
    number();

    area.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        area.form.requestSubmit();
      } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        const start = area.value.lastIndexOf("\n", area.selectionStart - 1) + 1;
        const indent = area.value.slice(start, area.selectionStart).match(/^ */)[0];
        if (!indent) return;
        event.preventDefault();
        document.execCommand("insertText", false, "\n" + indent);
      }
    });

    if (wrong) {
      const before = area.value.split("\n").slice(0, wrong - 1).join("\n").length + (wrong > 1 ? 1 : 0);
      const place = before + Number(area.dataset.column || 1) - 1;
      area.focus();
      area.setSelectionRange(place, place + 1);
      area.scrollTop = Math.max(0, (wrong - 6) * parseFloat(getComputedStyle(area).lineHeight));
    }
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy], [data-copy-text]");
    if (!button) return;
    const text = button.dataset.copyText ?? document.querySelector(button.dataset.copy).textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select it and copy";
    }
  });

  for (const select of document.querySelectorAll("select[data-submit]")) {
    select.addEventListener("change", () => {
      if (select.name === "namespace") for (const other of select.form.querySelectorAll("select")) if (other !== select) other.value = "";
      select.form.requestSubmit();
    });
  }

  for (const fold of document.querySelectorAll("[data-fold]")) {
    const all = [...fold.closest("section").querySelectorAll(".json details details")];
    if (!all.length) continue;
    fold.hidden = false;
    fold.addEventListener("click", () => {
      const open = fold.textContent !== "Fold all";
      for (const each of all) each.open = open;
      fold.textContent = open ? "Fold all" : "Unfold all";
    });
  }
})();
