// Comforts of the list of documents: filters that fold in narrow windows; ticking all of the page or a range with Shift,
// and how many that is. It works without them.
(() => {
  "use strict";
  const unfold = document.querySelector(".list-filters .unfold");
  if (unfold) {  // narrow windows: rows first, filters when asked for
    const faulty = document.querySelector(".list-filters [aria-invalid]") !== null;
    const show = (folded) => {
      unfold.form.classList.toggle("folded", folded);
      unfold.setAttribute("aria-expanded", String(!folded));
    };
    unfold.hidden = false;
    show(!faulty);
    unfold.addEventListener("click", () => show(unfold.getAttribute("aria-expanded") === "true"));
  }

  const form = document.getElementById("rows");
  if (!form || !form.elements.across) return;
  const boxes = [...form.querySelectorAll('input[name="_selected"]')];
  const all = form.querySelector("[data-all]");
  const across = form.elements.across;
  const said = form.querySelector("[data-how-many]");
  const buttons = form.querySelectorAll(".do button");
  let last = null;

  const tell = () => {
    const ticked = boxes.filter((box) => box.checked).length;
    all.checked = ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
    for (const box of [...boxes, all]) box.disabled = across.checked;
    said.textContent = across.checked ? "Chosen:" : ticked ? `${ticked} chosen, or` : "Tick rows, or";
    for (const button of buttons) button.disabled = !ticked && !across.checked;
  };

  all.hidden = false;
  all.addEventListener("change", () => { for (const box of boxes) box.checked = all.checked; tell(); });
  across.addEventListener("change", tell);
  form.addEventListener("click", (event) => {
    const place = boxes.indexOf(event.target);
    if (place < 0) return;
    if (event.shiftKey && last !== null) {
      for (const box of boxes.slice(Math.min(last, place), Math.max(last, place) + 1)) box.checked = event.target.checked;
    }
    last = place;
    tell();
  });
  window.addEventListener("pageshow", tell);  // a page that is gone back to remembers what was ticked
  tell();
})();
