// The decomposition tree: levels are fetched as HTML fragments, one per opened node. Without this file the same links
// open the page at the node. Keys are those of the ARIA tree pattern.
(() => {
  "use strict";
  const tree = document.getElementById("tree");
  if (!tree) return;

  const items = () => [...tree.querySelectorAll("li")].filter((li) => !li.closest("ul[hidden]"));
  const parent = (li) => li.parentElement.closest("li");
  const below = (li) => li.querySelector(":scope > ul");

  function prepare(list) {
    list.setAttribute("role", list.parentElement === tree ? "tree" : "group");
    if (list.parentElement === tree) list.setAttribute("aria-label", tree.dataset.label);
    for (const li of list.children) {
      li.setAttribute("role", "treeitem");
      if (!li.hasAttribute("tabindex")) li.tabIndex = -1;
      if (li.dataset.url) li.setAttribute("aria-expanded", li.dataset.open);
      for (const link of li.querySelectorAll(":scope > .row a, :scope > a")) link.tabIndex = -1;
      const inner = below(li);
      if (inner) prepare(inner);
    }
  }

  function focus(li) {
    for (const other of tree.querySelectorAll('li[tabindex="0"]')) other.tabIndex = -1;
    li.tabIndex = 0;
    li.focus();
  }

  async function fragment(url) {
    const response = await fetch(url, { headers: { Accept: "text/html" }, credentials: "same-origin" });
    if (!response.ok || response.redirected) throw new Error(String(response.status));
    const holder = document.createElement("template");
    holder.innerHTML = await response.text();
    return holder.content;
  }

  function failed(list) {
    const li = document.createElement("li");
    li.className = "failure";
    li.textContent = "This could not be loaded. Open it again to retry.";
    list.append(li);
  }

  function show(li, open) {
    li.dataset.open = String(open);
    li.setAttribute("aria-expanded", String(open));
    const list = below(li);
    if (list) list.hidden = !open;
    const url = new URL(location.href);
    url.searchParams.delete("after");
    if (open) url.searchParams.set("at", li.dataset.id);
    else if (parent(li)) url.searchParams.set("at", parent(li).dataset.id);
    else url.searchParams.delete("at");
    history.replaceState(null, "", url);
  }

  async function open(li) {
    if (!li.dataset.url || li.classList.contains("loading")) return;
    const old = below(li);
    if (old && !old.querySelector(":scope > .failure")) return show(li, true);
    if (old) old.remove();
    li.classList.add("loading");
    const list = document.createElement("ul");
    try {
      list.append(await fragment(li.dataset.url));
    } catch {
      failed(list);
    }
    li.append(list);
    li.classList.remove("loading");
    prepare(list);
    show(li, true);
  }

  // "Next 50" is replaced by what it promises; "Show all" replaces its whole level.
  async function more(li) {
    const link = li.querySelector("a");
    const list = li.parentElement;
    link.setAttribute("aria-busy", "true");
    try {
      const content = await fragment(link.dataset.url);
      const first = content.querySelector("li");
      if ("whole" in li.dataset) list.replaceChildren(content);
      else li.replaceWith(content);
      prepare(list);
      if (first) focus(first);
    } catch {
      link.removeAttribute("aria-busy");
      link.textContent = "This could not be loaded. Try again";
    }
  }

  tree.addEventListener("click", (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    const link = event.target.closest("a");
    const li = event.target.closest("li");
    if (!li) return;
    if (link && li.classList.contains("more")) {
      event.preventDefault();
      more(li);
    } else if (link && link.classList.contains("twist")) {
      event.preventDefault();
      focus(li);
      if (li.dataset.open === "true") show(li, false);
      else open(li);
    } else if (!link) {
      focus(li);
    }
  });

  tree.addEventListener("keydown", async (event) => {
    if (event.metaKey || event.ctrlKey || event.altKey) return;
    const li = event.target.closest("li");
    if (!li) return;
    const shown = items();
    const index = shown.indexOf(li);
    const isOpen = li.dataset.open === "true";
    let handled = true;
    switch (event.key) {
      case "ArrowDown": if (shown[index + 1]) focus(shown[index + 1]); break;
      case "ArrowUp": if (index > 0) focus(shown[index - 1]); break;
      case "Home": focus(shown[0]); break;
      case "End": focus(shown[shown.length - 1]); break;
      case "ArrowRight":
        if (li.dataset.url && !isOpen) await open(li);
        else if (isOpen && below(li)?.firstElementChild) focus(below(li).firstElementChild);
        break;
      case "ArrowLeft":
        if (isOpen) show(li, false);
        else if (parent(li)) focus(parent(li));
        break;
      case "Enter":
        if (li.classList.contains("more")) await more(li);
        else li.querySelector("a.name")?.click();
        break;
      default: handled = false;
    }
    if (handled) event.preventDefault();
  });

  tree.querySelectorAll(":scope > ul").forEach(prepare);
  const here = tree.querySelector("li.here") || tree.querySelector("li");
  if (here) here.tabIndex = 0;
})();
