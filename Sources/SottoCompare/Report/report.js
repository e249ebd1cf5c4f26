"use strict";
// Utterances are drawn from the data in the page as they are asked for: thousands of them would be too many at once.
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const names = data.variants;
  const byId = (id) => document.getElementById(id);
  const make = (tag, attributes, ...children) => {
    const node = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (value !== null && value !== undefined) node.setAttribute(key, value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
  };
  const colour = (index) => "var(--s" + (index % 8) + ")";
  const dot = (index) => make("span", { class: "dot", style: "background:" + colour(index), "aria-hidden": "true" });
  const sum = (values) => values.reduce((total, value) => total + value, 0);

  // Tables: a click on a heading sorts.
  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0];
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = head.querySelector("button");
      if (!button) return;
      button.addEventListener("click", () => {
        const isUp = head.getAttribute("aria-sort") !== "ascending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", isUp ? "ascending" : "descending");
        const value = (row) => row.cells[column].dataset.value;
        [...body.rows].sort((a, b) => {
          const [x, y] = [value(a), value(b)];
          if (x === "" || y === "") return (x === "") - (y === "");
          const numbers = [Number(x), Number(y)];
          const order = numbers.some(Number.isNaN) ? x.localeCompare(y) : numbers[0] - numbers[1];
          return isUp ? order : -order;
        }).forEach((row) => body.append(row));
      });
    });
  }

  // Utterances.
  const list = byId("list");
  const [search, sort, focus, wrong, more, status] =
    ["search", "sort", "focus", "wrong", "more", "status"].map(byId);
  const under = byId("under");
  // What the variants heard under the chosen condition.
  const heardOf = (item) => item.c[under ? Number(under.value) : 0];
  const page = 40;
  let shown = [];
  let drawn = 0;

  const errors = (item) => {
    const index = Number(focus.value);
    return index >= 0 ? (heardOf(item)[index] ? heardOf(item)[index].e : 0) : sum(heardOf(item).map((heard) => (heard ? heard.e : 0)));
  };
  const spread = (item) => {
    const counts = heardOf(item).filter(Boolean).map((heard) => heard.e);
    return counts.length ? Math.max(...counts) - Math.min(...counts) : 0;
  };
  const orders = {
    errors: (a, b) => errors(b) - errors(a),
    spread: (a, b) => spread(b) - spread(a),
    longest: (a, b) => b.d - a.d,
    order: () => 0,
  };

  function update() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    shown = data.items.filter((item) => {
      if (wrong.checked && errors(item) === 0) return false;
      if (!words.length) return true;
      const text = [item.id, item.t || "", ...heardOf(item).map((heard) => (heard ? heard.x : ""))].join(" ").toLowerCase();
      return words.every((word) => text.includes(word));
    });
    shown.sort((a, b) => orders[sort.value](a, b) || a.i - b.i);
    drawn = 0;
    list.replaceChildren();
    draw();
  }

  function draw() {
    for (const item of shown.slice(drawn, drawn + page)) list.append(row(item));
    drawn = Math.min(shown.length, drawn + page);
    more.hidden = drawn >= shown.length;
    status.textContent = shown.length + " of " + data.items.length + (data.items.length === 1 ? " utterance" : " utterances");
  }

  function row(item) {
    const counts = make("span", { class: "counts" });
    heardOf(item).forEach((heard, index) => {
      const text = heard ? (heard.f ? "failed" : String(heard.e)) : "–";
      const label = names[index] + ": " + (heard ? (heard.f || heard.e + (heard.e === 1 ? " error" : " errors")) : "not measured");
      counts.append(make("span", { title: label, "aria-label": label, class: heard && heard.e === 0 ? "none" : null },
        dot(index), text));
    });
    const details = make("details", {},
      make("summary", {}, make("span", { class: "text" }, item.t || (heardOf(item)[0] ? heardOf(item)[0].x : "")), counts,
        make("span", { class: "id" }, item.id + " · " + item.d.toFixed(1) + " s")));
    details.addEventListener("toggle", () => {
      if (details.open && details.children.length === 1) details.append(inside(item));
    });
    return make("li", {}, details);
  }

  function inside(item) {
    const body = make("div", { class: "inside" });
    const sound = media(item);
    if (sound) body.append(sound);
    if (item.t) body.append(line("reference", null, document.createTextNode(item.t)));
    heardOf(item).forEach((heard, index) => {
      if (!heard) return;
      const said = document.createDocumentFragment();
      if (heard.f) said.append(make("em", {}, heard.f));
      else if (heard.s) heard.s.forEach((step) => said.append(piece(step), " "));
      else said.append(heard.x);
      body.append(line(names[index], index, said));
    });
    return body;
  }

  const line = (name, index, said) => make("div", { class: "line" },
    make("div", { class: "who" }, index === null ? null : dot(index), name), make("div", { class: "said" }, said));

  // A word that is right, or a pair of reference and what was heard.
  function piece(step) {
    if (typeof step === "string") return document.createTextNode(step);
    const [reference, heard] = step;
    if (heard === null) return make("del", { title: "not heard" }, reference);
    if (reference === null) return make("ins", { title: "not said" }, heard);
    return make("span", { class: "sub", title: "said: " + reference }, make("s", {}, reference), heard);
  }

  function media(item) {
    const audioData = byId("a" + item.i);
    const pictureData = byId("p" + item.i);
    if (!audioData && !pictureData) return null;
    const box = make("div", { class: "sound" });
    let audio = null;
    if (audioData) {
      audio = make("audio", { controls: "", preload: "metadata", "aria-label": item.id,
        src: "data:audio/ogg;base64," + audioData.textContent.trim() });
      box.append(audio);
    }
    if (pictureData) box.append(picture(item, pictureData.textContent.trim(), audio));
    return box;
  }

  const bands = 40;
  function picture(item, text, audio) {
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    const frames = Math.floor(bytes.length / bands);
    const length = frames / 50;
    const canvas = make("canvas", { width: frames, height: bands, role: "img", "aria-label": "Spectrogram" });
    const sheet = make("div", { class: "sheet" }, canvas);
    if (length > 8) sheet.style.width = Math.round(length * 130) + "px";
    const isDark = matchMedia("(prefers-color-scheme: dark)");
    const paint = () => {
      const stops = isDark.matches
        ? [[20, 20, 19], [38, 44, 92], [126, 54, 132], [226, 96, 84], [252, 222, 156]]
        : [[252, 252, 251], [201, 220, 240], [98, 152, 212], [34, 76, 150], [12, 22, 64]];
      const image = new ImageData(frames, bands);
      for (let frame = 0; frame !== frames; frame++) {
        for (let band = 0; band !== bands; band++) {
          const value = bytes[frame * bands + band] / 255 * (stops.length - 1);
          const from = Math.min(Math.floor(value), stops.length - 2);
          const place = ((bands - 1 - band) * frames + frame) * 4;
          for (let part = 0; part !== 3; part++) {
            image.data[place + part] = stops[from][part] + (stops[from + 1][part] - stops[from][part]) * (value - from);
          }
          image.data[place + 3] = 255;
        }
      }
      canvas.getContext("2d").putImageData(image, 0, 0);
    };
    paint();
    isDark.addEventListener("change", paint);
    const seek = (time) => {
      if (!audio) return;
      audio.currentTime = time;
      audio.play();
    };
    canvas.addEventListener("click", (event) => seek(event.offsetX / canvas.clientWidth * length));
    heardOf(item).forEach((heard, index) => {
      if (!heard || !heard.w || !heard.w.length) return;
      const lane = make("div", { class: "lane", role: "group", "aria-label": "Word times of " + names[index],
        style: "color:" + colour(index) });
      for (const [word, start, end] of heard.w) {
        const button = make("button", { class: "word", type: "button",
          title: word + "  " + start.toFixed(2) + "–" + end.toFixed(2) + " s (" + names[index] + ")",
          style: "left:" + start / length * 100 + "%;width:" + Math.max(end - start, 0.03) / length * 100 + "%" }, word);
        button.addEventListener("click", () => seek(start));
        lane.append(button);
      }
      sheet.append(lane);
    });
    if (audio) {
      const now = make("div", { class: "now", hidden: "" });
      sheet.append(now);
      const move = () => {
        now.hidden = false;
        now.style.left = Math.min(audio.currentTime / length, 1) * 100 + "%";
        if (!audio.paused) requestAnimationFrame(move);
      };
      audio.addEventListener("play", move);
      audio.addEventListener("seeked", move);
    }
    return make("div", { class: "picture", tabindex: "0" }, sheet);
  }

  search.addEventListener("input", update);
  for (const control of [sort, focus, wrong, under].filter(Boolean)) control.addEventListener("change", update);
  more.addEventListener("click", draw);
  document.addEventListener("keydown", (event) => {
    const isTyping = ["INPUT", "SELECT", "TEXTAREA"].includes(event.target.tagName);
    if (isTyping || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "/") {
      search.focus();
      event.preventDefault();
    } else if (event.key === "j" || event.key === "k") {
      const all = [...list.querySelectorAll("summary")];
      const at = all.indexOf(document.activeElement && document.activeElement.closest("li")
        ? document.activeElement.closest("li").querySelector("summary") : null);
      const next = all[Math.max(0, Math.min(all.length - 1, event.key === "j" ? at + 1 : at - 1))];
      if (next) next.focus();
    }
  });
  update();
})();
