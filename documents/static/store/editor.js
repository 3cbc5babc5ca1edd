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

    const numbers = (from, to) => Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => `${from + at}\n`).join("");
    const number = () => {
      let now = 1;
      for (let at = area.value.indexOf("\n"); at >= 0; at = area.value.indexOf("\n", at + 1)) now += 1;
      if (now === count) return;
      count = now;
      if (!wrong || wrong > now) { lines.textContent = numbers(1, now); return; }
      const mark = document.createElement("mark");
      mark.textContent = String(wrong);
      lines.replaceChildren(numbers(1, wrong - 1), mark, "\n", numbers(wrong + 1, now));
    };
    const follow = () => { lines.style.height = `${area.offsetHeight}px`; lines.scrollTop = area.scrollTop; };
    area.addEventListener("input", () => { number(); follow(); });
    area.addEventListener("scroll", follow);
    new ResizeObserver(follow).observe(area);
    number();

    area.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        save(area.form);
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

  // Forms of text: Ctrl+S saves, and what is not saved is not left without a question.
  function save(form) {
    const button = form.querySelector("button.primary, input[type=submit][name=_save]");
    form.requestSubmit(button ?? undefined);
  }

  for (const form of document.querySelectorAll("form.editor-form")) {
    const areas = [...form.querySelectorAll("textarea")];
    const before = areas.map((area) => area.value);
    const said = form.querySelector("[data-unsaved]");
    let leaving = false;
    const unsaved = () => form.dataset.dirty === "true" || areas.some((area, at) => area.value !== before[at]);
    const say = () => { if (said) said.hidden = !unsaved(); };
    form.addEventListener("input", say);
    form.addEventListener("submit", () => { leaving = true; });
    window.addEventListener("pageshow", () => { leaving = false; say(); });
    window.addEventListener("beforeunload", (event) => { if (!leaving && unsaved()) event.preventDefault(); });
    document.addEventListener("keydown", (event) => {
      if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "s") {
        event.preventDefault();
        save(form);
      }
    });
    say();
  }

  async function copy(text) {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const area = document.createElement("textarea"); // over plain http there is no clipboard but this one
    area.value = text;
    area.className = "off-screen";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) throw new Error("refused");
    return undefined;
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy], [data-copy-text]");
    if (!button) return;
    const text = button.dataset.copyText ?? document.querySelector(button.dataset.copy).textContent;
    button.dataset.label ??= button.textContent;
    try {
      await copy(text);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = button.dataset.label; }, 1500);
    } catch {
      button.textContent = "Select it and copy";
    }
  });

  // Images that can't be shown say so. An error that came before this script is seen by the image's size.
  const failed = (image) => {
    const note = document.createElement("span");
    note.className = "no-preview";
    note.textContent = "The image could not be loaded: its server refused it, has it no more, or it is no image.";
    (image.closest("a") ?? image).replaceWith(note);
  };
  for (const image of document.querySelectorAll("img[data-preview]")) {
    image.addEventListener("error", () => failed(image));
    image.src = image.dataset.preview;
  }

  for (const select of document.querySelectorAll("select[data-submit]")) {
    select.addEventListener("change", () => {
      if (select.name === "namespace") for (const other of select.form.querySelectorAll("select")) if (other !== select) other.value = "";
      select.form.requestSubmit();
    });
  }

  // Django names the pictures of its two lists, which a plain span can't be.
  addEventListener("load", () => {
    for (const picture of document.querySelectorAll("span.help-tooltip[aria-label]")) picture.setAttribute("role", "img");
  });

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
