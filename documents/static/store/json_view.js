// A JSON text as lines to fold, search and copy from: [data-json-view] on the pages of documents.
//
// The text is PostgreSQL's own and stays text: tokens are cut out of it by their places and never become JavaScript
// numbers, so what is shown and copied is exact. Lines are made in blocks, and in long texts only where somebody looks,
// so a payload of megabytes scrolls and searches like a small one.
(() => {
  "use strict";

  const BLOCK = 100; // lines
  const EAGER = 2000; // as many lines are made at once, so that the browser's own search finds them
  const OPEN_AT_FIRST = 600;
  const MOST_LINES = 400000; // shown at a time: browsers end pages at some ten million pixels
  const MOST_HITS = 100000;
  const SHOWN = 2000; // characters of one string
  const GLIMPSE = 60; // characters of what is folded
  const WORD = 0, NUMBER = 1, STRING = 2, OPEN = 3, CLOSE = 4, EMPTY = 5;
  const KINDS = ["word", "number", "text", "bracket", "bracket", "empty"];

  // Text → lines --------------------------------------------------------------------------------------------------

  // One entry per line in each array; places are of the text. `end`: of an opening line its closing one, and back.
  class Lines {
    constructor(text) {
      this.text = text;
      for (const name of ["kind", "depth", "parent", "end", "count", "index", "keyFrom", "keyTo", "from", "to"]) this[name] = [];
      this.read();
    }

    get length() { return this.kind.length; }

    add(kind, depth, parent, index, key, from, to) {
      this.kind.push(kind); this.depth.push(depth); this.parent.push(parent); this.index.push(index);
      this.keyFrom.push(key[0]); this.keyTo.push(key[1]); this.from.push(from); this.to.push(to);
      this.count.push(0); this.end.push(-1);
      return this.kind.length - 1;
    }

    read() {
      const { text } = this, above = [], none = [-1, -1];
      let key = none, at = 0;
      while (at < text.length) {
        const code = text.charCodeAt(at);
        if (code <= 32 || code === 44 || code === 58) { at += 1; continue; } // blank , :
        const parent = above.length ? above[above.length - 1] : -1;
        if (code === 125 || code === 93) { // } ]
          const line = this.add(CLOSE, above.length - 1, this.parent[parent], this.index[parent], none, at, at + 1);
          this.end[parent] = line; this.end[line] = parent; this.to[parent] = at + 1;
          above.pop(); at += 1;
          continue;
        }
        const inObject = parent >= 0 && text.charCodeAt(this.from[parent]) === 123;
        if (code === 34 && inObject && key === none) {
          const to = stringEnd(text, at);
          key = [at, to]; at = to;
          continue;
        }
        const index = parent >= 0 ? this.count[parent]++ : 0;
        if (code === 123 || code === 91) {
          let next = at + 1;
          while (text.charCodeAt(next) <= 32) next += 1;
          const empty = text.charCodeAt(next) === 125 || text.charCodeAt(next) === 93;
          const line = this.add(empty ? EMPTY : OPEN, above.length, parent, index, key, at, empty ? next + 1 : at + 1);
          if (!empty) above.push(line);
          at = empty ? next + 1 : at + 1;
        } else {
          const to = code === 34 ? stringEnd(text, at) : wordEnd(text, at);
          const kind = code === 34 ? STRING : code === 45 || (code >= 48 && code <= 57) ? NUMBER : WORD;
          this.add(kind, above.length, parent, index, key, at, to);
          at = to;
        }
        key = none;
      }
    }

    // The line that holds a place of the text; lines begin in the order of their numbers.
    at(place) {
      let low = 0, high = this.length - 1;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (this.begin(middle) <= place) low = middle; else high = middle - 1;
      }
      return low;
    }

    begin(line) { return this.keyFrom[line] >= 0 ? this.keyFrom[line] : this.from[line]; }
    // The end of what the line itself shows: of a container its bracket alone.
    shownTo(line) { return this.kind[line] === OPEN ? this.from[line] + 1 : this.to[line]; }
    isLast(line) { return this.parent[line] < 0 || this.index[line] === this.count[this.parent[line]] - 1; }
    value(line) { return this.text.slice(this.from[line], this.to[line]); }
    key(line) { return this.keyFrom[line] < 0 ? null : JSON.parse(this.text.slice(this.keyFrom[line], this.keyTo[line])); }
    subject(line) { return this.kind[line] === CLOSE ? this.end[line] : line; }

    steps(line) {
      const steps = [];
      for (let at = line; this.parent[at] >= 0; at = this.parent[at]) steps.unshift(this.keyFrom[at] >= 0 ? this.key(at) : String(this.index[at]));
      return steps;
    }
  }

  function stringEnd(text, from) {
    for (let quote = text.indexOf('"', from + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
      let slash = quote - 1;
      while (text.charCodeAt(slash) === 92) slash -= 1;
      if ((quote - slash) % 2 === 1) return quote + 1;
    }
    throw new Error("This is not JSON.");
  }

  function wordEnd(text, from) {
    let to = from;
    for (let code = text.charCodeAt(to); to < text.length && code > 32 && code !== 44 && code !== 93 && code !== 125; code = text.charCodeAt(to)) to += 1;
    return to;
  }

  // The two names that the API's filters take: a dotted path where one leads there, and a JSON pointer (RFC 6901).
  const pointer = (steps) => steps.map((step) => "/" + step.replaceAll("~", "~0").replaceAll("/", "~1")).join("");
  const dotted = (steps, taken) =>
    steps.length && steps.every((step) => step && !step.includes(".")) && !steps[0].startsWith("/") && !taken.includes(steps[0]) ? steps.join(".") : null;

  // Lines → page --------------------------------------------------------------------------------------------------

  const element = (tag, name, text) => {
    const made = document.createElement(tag);
    if (name) made.className = name;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const counted = (number, word) => `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;

  class View {
    constructor(place, text) {
      this.lines = new Lines(text);
      this.place = place;
      this.taken = JSON.parse(place.dataset.taken || "[]");
      this.hits = { from: [], line: [], length: 0, more: false };
      this.hit = -1;
      this.selected = -1;
      this.whole = new Set(); // strings shown in full
      this.window = new Map(); // strings shown from a place within
      this.open = new Uint8Array(this.lines.length);
      this.kept = null; // with a filter: the lines that stay
      this.build();
      this.openAtFirst();
      this.lay();
    }

    build() {
      const { place } = this;
      place.replaceChildren();
      const head = element("div", "jv-head");
      head.innerHTML = `
        <label class="jv-find"><span class="visually-hidden">Search keys and values</span>
          <input type="search" placeholder="Search keys and values" autocomplete="off" autocapitalize="off" spellcheck="false"></label>
        <span class="jv-count" role="status"></span>
        <span class="jv-steps"><button type="button" class="jv-previous" aria-label="Previous hit" title="Previous hit (Shift+Enter)" disabled>↑</button><button type="button" class="jv-next" aria-label="Next hit" title="Next hit (Enter)" disabled>↓</button></span>
        <label class="jv-only"><input type="checkbox"> Only hits</label>
        <span class="jv-folds"><button type="button" class="jv-unfold">Unfold all</button><button type="button" class="jv-fold">Fold all</button></span>`;
      this.bar = element("div", "jv-bar");
      this.body = element("div", "jv-body");
      this.body.tabIndex = 0;
      this.body.setAttribute("role", "tree");
      this.body.setAttribute("aria-label", "JSON");
      this.note = element("p", "quiet jv-note");
      this.note.hidden = true;
      place.append(head, this.bar, this.body, this.note);
      this.showBar();

      const find = head.querySelector("input[type=search]");
      this.count = head.querySelector(".jv-count");
      this.steppers = head.querySelectorAll(".jv-steps button");
      this.only = head.querySelector(".jv-only input");
      let wait = 0;
      find.addEventListener("input", () => { clearTimeout(wait); wait = setTimeout(() => this.search(find.value), this.lines.text.length > 500000 ? 200 : 60); });
      find.addEventListener("keydown", (event) => {
        if (event.key === "Escape") { find.value = ""; clearTimeout(wait); this.search(""); }
        if (event.key !== "Enter") return;
        event.preventDefault();
        clearTimeout(wait);
        if (find.value !== this.wanted) this.search(find.value);
        else this.step(event.shiftKey ? -1 : 1);
      });
      this.wanted = "";
      head.querySelector(".jv-previous").addEventListener("click", () => this.step(-1));
      head.querySelector(".jv-next").addEventListener("click", () => this.step(1));
      this.only.addEventListener("change", () => { this.filter(); this.lay(); if (this.hit >= 0) this.reveal(this.hits.line[this.hit]); });
      head.querySelector(".jv-unfold").addEventListener("click", () => { this.open.fill(1); this.lay(); });
      head.querySelector(".jv-fold").addEventListener("click", () => { this.open.fill(0); this.open[0] = 1; this.lay(); });

      this.body.addEventListener("click", (event) => {
        const shown = event.target.closest(".line");
        if (!shown) return;
        const line = Number(shown.dataset.line);
        if (event.target.closest(".jv-all")) { this.whole.add(line); this.refresh(line); return; }
        if (event.target.closest(".twist, .folded") && this.lines.kind[line] === OPEN) this.toggle(line);
        if (!window.getSelection().toString()) this.select(line);
      });
      this.body.addEventListener("dblclick", (event) => {
        const shown = event.target.closest(".line");
        if (shown && this.lines.kind[shown.dataset.line] === OPEN && !event.target.closest(".twist, .folded")) this.toggle(Number(shown.dataset.line));
      });
      this.body.addEventListener("keydown", (event) => this.key(event, find));
      this.body.addEventListener("focus", () => { if (this.selected < 0 && this.shown.length) this.select(this.shown[0], false); });
    }

    // Breadth first, as long as the page stays short.
    openAtFirst() {
      const { lines } = this;
      if (lines.length <= OPEN_AT_FIRST * 2) { this.open.fill(1); return; }
      let left = OPEN_AT_FIRST, level = [0];
      while (level.length) {
        const below = [];
        for (const line of level) {
          if (lines.kind[line] !== OPEN || (line > 0 && lines.count[line] > left)) continue;
          this.open[line] = 1;
          left -= lines.count[line];
          if (left > 0) for (let at = line + 1; at < lines.end[line]; at = (lines.kind[at] === OPEN ? lines.end[at] : at) + 1) if (lines.kind[at] === OPEN) below.push(at);
        }
        level = below;
      }
    }

    // Which lines are to be seen, in blocks; those near the window are made.
    lay() {
      const { lines } = this, shown = [];
      let cut = false;
      for (let line = 0; line < lines.length; line += 1) {
        if (this.kept && !this.kept[line]) continue;
        if (shown.length >= MOST_LINES) { cut = true; break; }
        shown.push(line);
        if (lines.kind[line] === OPEN && !this.open[line]) line = lines.end[line];
      }
      this.shown = shown;
      this.observer?.disconnect();
      this.blocks = [];
      const eager = shown.length <= EAGER;
      if (!eager) {
        this.observer = new IntersectionObserver((seen) => {
          for (const { target, isIntersecting } of seen) if (isIntersecting) this.fill(target); else this.empty(target);
        }, { root: this.body, rootMargin: "1500px 0px" });
      }
      const fragment = document.createDocumentFragment();
      for (let first = 0; first < shown.length; first += BLOCK) {
        const block = element("div", "jv-block");
        block.setAttribute("role", "presentation");
        block.dataset.first = first;
        block.style.height = `${Math.min(BLOCK, shown.length - first) * 1.55 * 13}px`;
        this.blocks.push(block);
        fragment.append(block);
      }
      this.body.replaceChildren(fragment);
      for (const block of this.blocks) if (eager) this.fill(block); else this.observer.observe(block);
      this.note.hidden = !cut;
      this.note.textContent = cut ? `The first ${MOST_LINES.toLocaleString("en")} lines are shown; fold what you don't need. The search looks at all of them.` : "";
      if (this.selected >= 0) this.markSelected();
    }

    fill(block) {
      if (block.childElementCount) return;
      const first = Number(block.dataset.first), fragment = document.createDocumentFragment();
      for (const line of this.shown.slice(first, first + BLOCK)) fragment.append(this.line(line));
      block.style.height = "";
      block.replaceChildren(fragment);
    }

    empty(block) {
      if (!block.childElementCount) return;
      block.style.height = `${block.offsetHeight}px`;
      block.replaceChildren();
    }

    line(line) {
      const { lines } = this, kind = lines.kind[line];
      const made = element("div", "line");
      made.id = `jv-${line}`;
      made.dataset.line = line;
      made.style.setProperty("--depth", lines.depth[line]);
      if (kind === CLOSE) made.setAttribute("role", "presentation");
      else {
        made.setAttribute("role", "treeitem");
        made.setAttribute("aria-level", lines.depth[line] + 1);
        made.setAttribute("aria-selected", line === this.selected ? "true" : "false");
      }
      if (line === this.selected) made.classList.add("selected");
      const comma = lines.isLast(line) ? "" : ",";
      if (kind === OPEN) {
        made.setAttribute("aria-expanded", this.open[line] ? "true" : "false");
        made.append(element("span", "twist"));
      }
      if (lines.keyFrom[line] >= 0) made.append(this.token("key", line, lines.keyFrom[line], lines.keyTo[line]), ": ");
      if (kind === OPEN) {
        const isObject = lines.text[lines.from[line]] === "{";
        made.append(element("b", "", isObject ? "{" : "["));
        if (!this.open[line]) {
          const folded = element("span", "folded"), inside = lines.text.slice(lines.from[line] + 1, Math.min(lines.to[line] - 1, lines.from[line] + GLIMPSE + 2));
          folded.append(element("span", "jv-glimpse", inside.length > GLIMPSE ? `${inside.slice(0, GLIMPSE)}…` : inside), element("b", "", (isObject ? "}" : "]") + comma));
          folded.append(element("span", "jv-size", counted(lines.count[line], isObject ? "member" : "element")));
          made.append(folded);
        }
      } else if (kind === CLOSE) made.append(element("b", "", lines.text[lines.from[line]] + comma));
      else if (kind === STRING && lines.to[line] - lines.from[line] > SHOWN && !this.whole.has(line)) this.longString(made, line, comma);
      else made.append(this.token(KINDS[kind], line, lines.from[line], lines.to[line]), comma);
      return made;
    }

    longString(made, line, comma) {
      const { lines } = this, length = lines.to[line] - lines.from[line];
      const from = Math.min(this.window.get(line) ?? lines.from[line], lines.to[line] - SHOWN), to = from + SHOWN;
      if (from > lines.from[line]) made.append(element("span", "quiet", `… ${counted(from - lines.from[line], "character")} before `));
      made.append(this.token("text", line, from, to));
      if (to < lines.to[line]) made.append(element("span", "quiet", "…"));
      const all = element("button", "jv-all", `Show all ${counted(length, "character")}`);
      all.type = "button";
      all.tabIndex = -1;
      made.append(comma, " ", all);
    }

    // A piece of the text, hits marked; after an escaped line break a real one follows.
    token(kind, line, from, to) {
      const made = element("span", kind), { text } = this.lines, { hits } = this;
      const piece = (start, end) => kind === "text" ? text.slice(start, end).replace(/(\\\\)|\\n/g, (found, slashes) => slashes ? found : "\\n\n") : text.slice(start, end);
      let at = from;
      for (let hit = hits.length ? lowest(hits.from, from - hits.length + 1) : hits.from.length; hit < hits.from.length && hits.from[hit] < to; hit += 1) {
        const start = Math.max(hits.from[hit], at), end = Math.min(hits.from[hit] + hits.length, to);
        if (end <= start) continue;
        if (start > at) made.append(piece(at, start));
        const mark = element("mark", hit === this.hit ? "current" : "", piece(start, end));
        made.append(mark);
        at = end;
      }
      if (at < to) made.append(piece(at, to));
      return made;
    }

    refresh(line) {
      const shown = document.getElementById(`jv-${line}`);
      if (shown) shown.replaceWith(this.line(line));
    }

    toggle(line, open = !this.open[line]) {
      this.open[line] = open ? 1 : 0;
      const scrolled = this.body.scrollTop, within = this.nearest();
      this.lay();
      if (within) this.anchor(within); else this.body.scrollTop = scrolled;
    }

    // Blocks that are not made yet have a guessed height: hold on to a line that is seen.
    nearest() {
      const top = this.body.getBoundingClientRect().top;
      for (const block of this.blocks) {
        if (!block.childElementCount || block.getBoundingClientRect().bottom <= top) continue;
        for (const shown of block.children) {
          const box = shown.getBoundingClientRect();
          if (box.bottom > top) return { line: Number(shown.dataset.line), offset: box.top - top };
        }
      }
      return null;
    }

    anchor({ line, offset }) {
      const shown = this.make(line);
      if (shown) this.body.scrollTop += shown.getBoundingClientRect().top - this.body.getBoundingClientRect().top - offset;
    }

    // A line's element, its block made, and as many on either side.
    make(line, around = 0) {
      const place = lowest(this.shown, line), at = Math.floor(place / BLOCK);
      if (this.shown[place] !== line) return null;
      for (const block of this.blocks.slice(Math.max(0, at - around), at + around + 1)) this.fill(block);
      return document.getElementById(`jv-${line}`);
    }

    reveal(line) {
      let folded = false;
      for (let at = this.lines.parent[line]; at >= 0; at = this.lines.parent[at]) if (!this.open[at]) { this.open[at] = 1; folded = true; }
      if (folded) this.lay();
      const shown = this.make(line, 2); // what is near is made first, so that nothing moves afterwards
      if (!shown) return;
      const inner = shown.querySelector("mark.current") ?? shown;
      const view = this.body.getBoundingClientRect();
      const box = inner.getBoundingClientRect();
      if (box.top < view.top + 8 || box.bottom > view.bottom - 8) this.body.scrollTop += box.top - view.top - view.height / 3;
      inner.scrollIntoView({ block: "nearest", inline: "nearest" }); // the page itself, where the window is low
    }

    // Search ----------------------------------------------------------------------------------------------------

    search(wanted) {
      this.wanted = wanted;
      const { lines } = this, hits = { from: [], line: [], length: 0, more: false };
      const quoted = JSON.stringify(wanted).slice(1, -1); // as PostgreSQL writes it
      if (wanted) {
        const escaped = quoted.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
        let line = 0;
        for (const found of lines.text.matchAll(new RegExp(escaped, "giu"))) {
          const from = found.index, to = from + found[0].length;
          while (line + 1 < lines.length && lines.begin(line + 1) <= from) line += 1;
          if (to > lines.shownTo(line) || lines.kind[line] === CLOSE || from < lines.begin(line)) continue; // only blanks and brackets
          if (insideEscape(lines.text, from)) continue;
          if (hits.from.length >= MOST_HITS) { hits.more = true; break; }
          hits.from.push(from); hits.line.push(line);
          hits.length = found[0].length;
        }
      }
      this.hits = hits;
      this.window.clear();
      this.hit = hits.from.length ? 0 : -1;
      const marked = this.only.checked && wanted;
      this.filter();
      if (marked || this.wasFiltered) { this.wasFiltered = Boolean(this.kept); this.lay(); } else this.repaint();
      this.show();
    }

    step(by) {
      const all = this.hits.from.length;
      if (!all) return;
      const before = this.hit;
      this.hit = (this.hit + by + all) % all;
      if (before >= 0) this.refresh(this.hits.line[before]);
      this.show();
    }

    show() {
      const { hits, hit, lines } = this, all = hits.from.length;
      for (const stepper of this.steppers) stepper.disabled = !all;
      this.count.textContent = !this.wanted ? "" : !all ? "no hits" : `${(hit + 1).toLocaleString("en")} of ${all.toLocaleString("en")}${hits.more ? "+" : ""}`;
      this.count.classList.toggle("none", Boolean(this.wanted) && !all);
      if (hit < 0) return;
      const line = hits.line[hit];
      if (lines.kind[line] === STRING && hits.from[hit] >= lines.from[line]) {
        const shown = this.window.get(line) ?? lines.from[line];
        if (hits.from[hit] < shown || hits.from[hit] + hits.length > shown + SHOWN) this.window.set(line, Math.max(lines.from[line], hits.from[hit] - 200));
      }
      this.select(line, false);
      this.refresh(line);
      this.reveal(line);
    }

    // With "only hits": lines with a hit, what holds them, and everything in a container whose key is one.
    filter() {
      const { lines, hits } = this;
      this.kept = null;
      if (!this.only.checked || !hits.from.length) return;
      const kept = this.kept = new Uint8Array(lines.length);
      this.wasFiltered = true;
      for (const line of hits.line) {
        if (kept[line]) continue;
        if (lines.kind[line] === OPEN) kept.fill(1, line, lines.end[line] + 1);
        kept[line] = 1;
        for (let at = lines.parent[line]; at >= 0 && !(kept[at] && this.open[at]); at = lines.parent[at]) { kept[at] = 1; kept[lines.end[at]] = 1; this.open[at] = 1; }
      }
    }

    repaint() {
      for (const block of this.blocks) {
        if (!block.childElementCount) continue;
        block.replaceChildren();
        this.fill(block);
      }
    }

    // One line --------------------------------------------------------------------------------------------------

    select(line, reveal = true) {
      const before = this.selected;
      this.selected = line;
      if (before !== line) document.getElementById(`jv-${before}`)?.classList.remove("selected");
      document.getElementById(`jv-${before}`)?.setAttribute("aria-selected", "false");
      this.markSelected();
      if (reveal) this.reveal(line);
      this.showBar();
    }

    markSelected() {
      const shown = document.getElementById(`jv-${this.selected}`);
      shown?.classList.add("selected");
      if (this.lines.kind[this.selected] !== CLOSE) shown?.setAttribute("aria-selected", "true");
      this.body.setAttribute("aria-activedescendant", `jv-${this.lines.subject(this.selected)}`);
    }

    showBar() {
      this.bar.replaceChildren();
      if (this.selected < 0) {
        this.bar.append(element("span", "quiet", "Choose a line to copy its value or path."));
        return;
      }
      const { lines } = this, line = lines.subject(this.selected), steps = lines.steps(line);
      const path = dotted(steps, this.taken), place = pointer(steps);
      const named = element("code", "id", path ?? (place || "the whole document"));
      this.bar.append(named);
      const button = (text, value, key) => {
        const made = element("button", "copy", text);
        made.type = "button";
        made.title = `${text} (${key})`;
        made.dataset.copyText = value;
        this.bar.append(made);
      };
      button("Copy value", this.valueOf(line), "c");
      if (path) button("Copy path", path, "p");
      if (place) button("Copy pointer", place, "o");
      const list = this.filterUrl(line, place);
      if (list) {
        const link = element("a", "", "Documents with this value");
        link.href = list;
        this.bar.append(link);
      }
    }

    // A string as text, everything else as the JSON that it is.
    valueOf(line) {
      const value = this.lines.value(line);
      return this.lines.kind[line] === STRING ? JSON.parse(value) : value;
    }

    // The list filtered by equality; the value goes as JSON text, so numbers stay exact.
    filterUrl(line, place) {
      const { lines } = this, list = this.place.dataset.listUrl;
      if (!list || !place || ![WORD, NUMBER, STRING].includes(lines.kind[line]) || lines.to[line] - lines.from[line] > 500) return null;
      const steps = lines.steps(line);
      for (let at = lines.parent[line], step = steps.length - 1; at >= 0; at = lines.parent[at], step -= 1) if (lines.text[lines.from[at]] === "[") steps.splice(step, 1);
      const path = dotted(steps, this.taken) ?? pointer(steps);
      if (!path) return null;
      const filters = `{"field":${JSON.stringify(path)},"operator":"eq","value":${lines.value(line)}}`;
      return `${list}${list.includes("?") ? "&" : "?"}filters=${encodeURIComponent(filters)}`;
    }

    key(event, find) {
      if (event.target !== this.body) return;
      const { lines } = this, place = lowest(this.shown, this.selected), line = this.selected;
      const go = (to) => { const next = this.shown[Math.max(0, Math.min(this.shown.length - 1, to))]; if (next !== undefined) this.select(next); };
      const copy = (name) => this.bar.querySelector(`button[title$="(${name})"]`)?.click();
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const keys = {
        ArrowDown: () => go(place + 1),
        ArrowUp: () => go(place - 1),
        PageDown: () => go(place + 20),
        PageUp: () => go(place - 20),
        Home: () => go(0),
        End: () => go(this.shown.length - 1),
        ArrowRight: () => { if (lines.kind[line] === OPEN) { if (this.open[line]) go(place + 1); else this.toggle(line, true); } },
        ArrowLeft: () => {
          if (lines.kind[line] === OPEN && this.open[line] && line > 0) this.toggle(line, false);
          else if (lines.parent[lines.subject(line)] >= 0) this.select(lines.parent[lines.subject(line)]);
        },
        Enter: () => { if (lines.kind[line] === OPEN) this.toggle(line); },
        " ": () => { if (lines.kind[line] === OPEN) this.toggle(line); },
        "/": () => find.focus(),
        n: () => this.step(1),
        N: () => this.step(-1),
        c: () => copy("c"),
        p: () => copy("p"),
        o: () => copy("o"),
      };
      if (!keys[event.key]) return;
      event.preventDefault();
      keys[event.key]();
    }
  }

  // The first place in a sorted list whose item is not below `wanted`.
  function lowest(list, wanted) {
    let low = 0, high = list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (list[middle] < wanted) low = middle + 1; else high = middle;
    }
    return low;
  }

  // Whether the character before a place begins an escape: a search for n does not find the one of \n.
  function insideEscape(text, place) {
    let slash = place - 1;
    while (text.charCodeAt(slash) === 92) slash -= 1;
    return (place - 1 - slash) % 2 === 1;
  }

  async function open(place) {
    const source = place.querySelector("[data-json-text]");
    try {
      let text;
      if (source) text = source.textContent;
      else {
        const note = place.querySelector(".quiet");
        if (note) note.textContent = "Reading all of it …";
        const answer = await fetch(place.dataset.url, { credentials: "same-origin" });
        if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
        text = await answer.text();
      }
      const view = new View(place, text);
      place.classList.add("json", "jv");
      return view;
    } catch (error) {
      place.append(element("p", "errornote", `The searchable view could not be made. ${error.message}`));
      return null;
    }
  }

  for (const place of document.querySelectorAll("[data-json-view]")) open(place);
})();
