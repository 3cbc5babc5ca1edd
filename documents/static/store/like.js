// Loads the documents that are like this one once their place is on the screen. Without it the links lead to a page of them.
(() => {
  "use strict";
  const load = async (place) => {
    const answer = await fetch(place.dataset.part, { headers: { Accept: "text/html" } });
    if (answer.ok && !answer.redirected) place.innerHTML = await answer.text();
  };
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      seen.unobserve(entry.target);
      load(entry.target).catch(() => {});
    }
  });
  for (const place of document.querySelectorAll("[data-part]")) seen.observe(place);
})();
