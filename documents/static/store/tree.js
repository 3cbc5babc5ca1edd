// The decomposition tree: levels are fetched as HTML fragments, one per opened node; a search and "next failed" open the
// way to a document in place. Without this file the same links open pages. Keys are those of the ARIA tree pattern.
(() => {
  "use strict";
  const tree = document.getElementById("tree");
  if (!tree) return;
  const top = tree.querySelector(":scope > ul");
  const found = document.getElementById("found");
  const said = document.getElementById("tree-said");

  const parent = (li) => li.parentElement.closest("li");
  const below = (li) => li.querySelector(":scope > ul");
  const shownBelow = (li) => { const list = below(li); return list && !list.hidden ? list : null; };
  const seat = (li) => li.querySelector(":scope > .row") || li; // what has the role and the focus of an item
  const say = (text) => { said.textContent = text; };

  // Neighbours on the screen, found from the item itself: a tree of thousands is never listed for a key.
  const last = (li) => { for (let list; (list = shownBelow(li)?.lastElementChild); ) li = list; return li; };
  function next(li) {
    const inner = shownBelow(li)?.firstElementChild;
    if (inner) return inner;
    for (let each = li; each; each = parent(each)) if (each.nextElementSibling) return each.nextElementSibling;
    return null;
  }
  const previous = (li) => (li.previousElementSibling ? last(li.previousElementSibling) : parent(li));

  function prepare(list, level) {
    list.setAttribute("role", list === top ? "tree" : "group");
    if (list === top) list.setAttribute("aria-label", tree.dataset.label);
    for (const li of list.children) prepareItem(li, level);
  }

  // The row is the item, named by what it shows; its children are a group that it owns, not a part of its name.
  let groups = 0;
  function prepareItem(li, level) {
    const item = seat(li);
    if (item !== li) li.setAttribute("role", "none");
    li.dataset.level = level;
    item.setAttribute("role", "treeitem");
    item.setAttribute("aria-level", level);
    item.tabIndex = -1;
    if (li.dataset.place) {
      item.setAttribute("aria-posinset", li.dataset.place);
      item.setAttribute("aria-setsize", li.dataset.total);
    }
    if (li.classList.contains("here")) item.setAttribute("aria-current", "true");
    if (li.dataset.url) item.setAttribute("aria-expanded", li.dataset.open);
    for (const link of li.querySelectorAll(":scope > .row a, :scope > a")) link.tabIndex = -1;
    li.querySelector(":scope > .row > .twist")?.setAttribute("aria-hidden", "true");
    const inner = below(li);
    if (!inner) return;
    inner.id ||= `tree-group-${(groups += 1)}`;
    item.setAttribute("aria-owns", inner.id);
    prepare(inner, level + 1);
  }

  const levelOf = (list) => (list === top ? 1 : Number(list.parentElement.dataset.level) + 1);

  let current = null;
  function focus(li, options) {
    if (current) seat(current).tabIndex = -1;
    current = li;
    seat(li).tabIndex = 0;
    seat(li).focus(options);
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
    li.setAttribute("role", "treeitem");
    li.textContent = "This could not be loaded. Open it again to retry.";
    list.append(li);
  }

  const here = () => new URL(location.href);
  function address(at) {
    const url = here();
    for (const name of ["after", "before", "q", "failed"]) url.searchParams.delete(name);
    if (at) url.searchParams.set("at", at);
    else url.searchParams.delete("at");
    return url;
  }

  function show(li, open) {
    li.dataset.open = String(open);
    seat(li).setAttribute("aria-expanded", String(open));
    const list = below(li);
    if (list) list.hidden = !open;
    if (here().searchParams.has("group")) return; // a list of its own: the address says which
    history.replaceState(null, "", address(open ? li.dataset.id : parent(li)?.dataset.id));
  }

  async function open(li) {
    if (!li.dataset.url || li.classList.contains("loading")) return;
    const old = below(li);
    if (old && !old.querySelector(":scope > .failure")) return show(li, true);
    if (old) old.remove();
    li.classList.add("loading");
    seat(li).setAttribute("aria-busy", "true");
    const list = document.createElement("ul");
    try {
      list.append(await fragment(li.dataset.url));
    } catch {
      failed(list);
    }
    li.append(list);
    li.classList.remove("loading");
    seat(li).removeAttribute("aria-busy");
    prepareItem(li, Number(li.dataset.level));
    const total = list.querySelector(":scope > li.node")?.dataset.total;
    const count = li.querySelector(":scope > .row .count");
    if (total && count) count.textContent = Number(total).toLocaleString("en");
    show(li, true);
  }

  // What comes in place of "Show 200 more": the items, and again such a link while there are some left.
  async function more(li) {
    const link = li.querySelector("a");
    const list = li.parentElement;
    if (link.getAttribute("aria-busy")) return;
    link.setAttribute("aria-busy", "true");
    try {
      const content = await fragment(link.dataset.url);
      const earlier = li.classList.contains("earlier");
      for (const each of [...content.children]) if (each.classList.contains(earlier ? "later" : "earlier")) each.remove();
      const added = [...content.children];
      const nodes = added.filter((each) => each.classList.contains("node"));
      const anchor = earlier ? li.nextElementSibling : null;
      const place = anchor?.getBoundingClientRect().top;
      const level = levelOf(list);
      li.replaceWith(content);
      for (const each of added) prepareItem(each, level);
      if (anchor) scrollBy(0, anchor.getBoundingClientRect().top - place); // what was being read stays where it was
      const target = earlier ? nodes[nodes.length - 1] : nodes[0];
      if (target) focus(target, { preventScroll: earlier });
      say(`${nodes.length} more shown`);
    } catch {
      link.removeAttribute("aria-busy");
      link.textContent = "This could not be loaded. Try again";
    }
  }

  async function replace(url) {
    tree.setAttribute("aria-busy", "true");
    try {
      top.replaceChildren(await fragment(url));
    } finally {
      tree.removeAttribute("aria-busy");
    }
    tree.querySelector(":scope > p")?.remove();
    current = null;
    prepare(top, 1);
    return start();
  }

  function start() {
    current = top.querySelector("li.here") || top.querySelector("li");
    if (current) seat(current).tabIndex = 0;
    return top.querySelector("li.here");
  }

  // Opens the tree at a document, in place where the page already shows the tree itself.
  async function visit(link, url) {
    if (here().searchParams.has("group")) return location.assign(link.href);
    link.setAttribute("aria-busy", "true");
    try {
      const li = await replace(url);
      if (!li) return;
      history.pushState(null, "", address(li.dataset.id));
      document.querySelector(".tree-search input").value = "";
      found.replaceChildren();
      follow();
      focus(li, { preventScroll: true });
      li.querySelector(":scope > .row").scrollIntoView({ block: "center" });
      say(`Opened at ${li.dataset.spoken}`);
    } catch {
      location.assign(link.href);
    } finally {
      link.removeAttribute("aria-busy");
    }
  }

  const nextFailed = document.querySelector(".next-failed");
  function follow() {
    if (!nextFailed) return;
    const url = new URL(nextFailed.href);
    url.searchParams.set("failed", here().searchParams.get("at") || "");
    nextFailed.href = url;
  }

  const form = document.querySelector(".tree-search");
  let asked = 0;
  form?.addEventListener("submit", async (event) => {
    const wanted = form.q.value.trim();
    event.preventDefault();
    const mine = (asked += 1);
    found.setAttribute("aria-busy", "true");
    const url = here();
    url.searchParams.set("q", wanted);
    try {
      const content = await fragment(`${form.dataset.url}?${new URLSearchParams({ q: wanted })}`);
      if (mine !== asked) return;
      found.replaceChildren(content);
      history.pushState(null, "", url);
    } catch {
      form.submit();
    } finally {
      found.removeAttribute("aria-busy");
    }
  });

  nextFailed?.addEventListener("click", (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    const after = new URL(nextFailed.href).searchParams.get("failed");
    visit(nextFailed, `${nextFailed.dataset.nodes}?${new URLSearchParams({ failed: after })}`);
  });

  found.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-at]");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    visit(link, `${tree.dataset.nodes}?${new URLSearchParams({ at: link.dataset.at })}`);
  });

  // The address is the state: back and forward show what it says.
  const path = location.pathname + here().searchParams.get("group");
  addEventListener("popstate", async () => {
    const query = here().searchParams;
    if (location.pathname + query.get("group") !== path) return location.reload();
    if (tree.dataset.group && !query.has("group")) query.set("group", tree.dataset.group); // what the page shows as the whole tree
    try {
      const li = await replace(`${tree.dataset.nodes}?${query}`);
      form.q.value = query.get("q") || "";
      found.replaceChildren(...(query.get("q") ? [await fragment(`${form.dataset.url}?${new URLSearchParams({ q: query.get("q") })}`)] : []));
      follow();
      if (li) li.querySelector(":scope > .row").scrollIntoView({ block: "center" });
    } catch {
      location.reload();
    }
  });

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
      focus(li, { preventScroll: true });
      if (li.dataset.open === "true") show(li, false);
      else open(li);
    } else if (!link) {
      focus(li, { preventScroll: true });
    }
  });

  // Letters jump to the next item that begins with what was typed within a second.
  let typed = "";
  let typedAt = 0;
  function jump(li, letter) {
    const now = performance.now();
    typed = now - typedAt < 1000 ? typed + letter : letter;
    typedAt = now;
    const wanted = [...typed].every((each) => each === typed[0]) ? typed[0] : typed;
    const begins = (each) => (each.dataset.spoken || each.textContent.trim()).toLocaleLowerCase().startsWith(wanted);
    if (wanted.length > 1 && begins(li)) return;
    let each = next(li) || top.firstElementChild;
    for (; each && each !== li && !begins(each); each = next(each) || top.firstElementChild);
    if (each && each !== li) focus(each);
  }

  tree.addEventListener("keydown", async (event) => {
    if (event.metaKey || event.ctrlKey || event.altKey) return;
    const li = event.target.closest("li");
    if (!li) return;
    const isOpen = li.dataset.open === "true";
    const go = (target) => { if (target) focus(target); };
    let handled = true;
    switch (event.key) {
      case "ArrowDown": go(next(li)); break;
      case "ArrowUp": go(previous(li)); break;
      case "Home": go(top.firstElementChild); break;
      case "End": go(last(top.lastElementChild)); break;
      case "PageDown": case "PageUp": {
        let target = li;
        for (let step = 0; step < 15; step += 1) target = (event.key === "PageDown" ? next(target) : previous(target)) || target;
        go(target);
        break;
      }
      case "ArrowRight":
        if (li.dataset.url && !isOpen) open(li);
        else go(shownBelow(li)?.firstElementChild);
        break;
      case "ArrowLeft":
        if (isOpen) show(li, false);
        else go(parent(li));
        break;
      case "Enter":
        if (li.classList.contains("more")) more(li);
        else li.querySelector("a.name")?.click();
        break;
      default:
        handled = [...event.key].length === 1 && event.key !== " ";
        if (handled) jump(li, event.key.toLocaleLowerCase());
    }
    if (handled) event.preventDefault();
  });

  prepare(top, 1);
  const opened = start();
  if (opened && !here().hash) opened.querySelector(":scope > .row").scrollIntoView({ block: "center" });
})();
