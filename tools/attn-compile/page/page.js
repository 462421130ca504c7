// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is followed, sought and shown, and the start of it all.

const state = {
  followed: new Set(),
  warm: new Set(),
  sought: ""
};
let columns = [];

function update() {
  for (const column of columns) column.mark(state.followed, state.sought);
  drawFollowed(columns);
  markRemarks();
  const lines = columns.reduce((sum, column) => sum + column.hits.length, 0);
  $("found").textContent = state.sought ? `${count(lines, "line")} found` : "";
}

/**
 * Follows places through all rooms; again: no longer. Other columns go to their first line of it.
 */
function follow(places, from) {
  const same =
      places.length === state.followed.size && places.every((id) => state.followed.has(id));
  state.followed = new Set(same ? [] : places);
  state.sought = "";
  $("search").value = "";
  update();
  for (const column of columns)
    if (column !== from && column.hits.length && column.element.isConnected)
      column.show(column.hits[0]);
  remember();
}

function warm(places) {
  if (places.length === state.warm.size && places.every((id) => state.warm.has(id))) return;
  state.warm = new Set(places);
  for (const column of columns)
    if (column.element.isConnected) column.drawWarm();
}

function seek(text) {
  state.sought = text.toLowerCase();
  update();
  if (state.sought)
    for (const column of columns)
      if (column.hits.length && column.element.isConnected) column.show(column.hits[0]);
}

/** The view is in the address: a link to the file opens where it was. */
function remember() {
  const place = DATA.places[[...state.followed][0]];
  const at = place && place[0] === DATA.file ? `#at=${place[1]}:${place[2]}` : "#";
  try {
    history.replaceState(null, "", at);
  } catch {
    // Without an address of its own the page works as well.
  }
}

function recall() {
  const at = /at=(\d+):(\d+)/.exec(location.hash);
  if (!at) return;
  const id = DATA.places.findIndex(
      ([file, line, column]) =>
          file === DATA.file && line === Number(at[1]) && column === Number(at[2]));
  if (id >= 0) follow([id], null);
}

function drawHeader() {
  const {errors, rooms} = DATA;
  $("title").textContent = DATA.file.split("/").pop();
  const total = rooms.reduce((sum, room) => sum + room.ms, 0);
  const failed = errors.length > 0;
  $("summary").append(
      `for ${DATA.target}: `, make("b", failed ? "bad" : "", failed ? "failed" : "compiled"),
      ` in ${milliseconds(total)}, ${
          count(rooms.filter((room) => room.text && !room.failed).length, "room")}`);
  $("failure").hidden = !failed;
  $("failure").textContent =
      errors
          .map(
              (error) => (error.line ? `${error.file}:${error.line}:${error.column}: ` : "") +
                  `error: ${error.text}`)
          .join("\n");
  const notices = [];
  const all = [DATA.source, ...rooms];
  if (all.some((room) => room.text.includes("__elided__")))
    notices.push("Constants of many elements are elided.");
  if (all.some((room) => room.hidden))
    notices.push("The page stays below a megabyte: the ends of the longest rooms are left out.");
  $("notices").hidden = !notices.length;
  $("notices").textContent = notices.join(" ");
}

function show(column, button, shown) {
  column.shown = shown;
  button.setAttribute("aria-pressed", shown);
  $("columns").replaceChildren(...columns.filter((each) => each.shown).map((each) => each.element));
  for (const each of columns)
    if (each.shown) {
      each.draw();
      each.drawRuler();
    }
}

/**
 * A button for each text, wide as its time is long; what a room did not change is not shown at
 * first.
 */
function drawWay() {
  const longest = Math.max(0.001, ...DATA.rooms.map((room) => room.ms));
  for (const room
           of [...columns.map((column) => column.room),
               ...DATA.rooms.filter((each) => !each.text)]) {
    const column = columns.find((each) => each.room === room);
    const button = make("button", room.failed ? "bad" : "");
    button.type = "button";
    button.append(make("b", "", room.name));
    const said = room.ms === null ? linesOf(room) : milliseconds(room.ms);
    button.append(make("small", "", room.same ? `${said}, unchanged` : said));
    const bar = make("i");
    bar.style.setProperty("--share", (room.ms ?? 0) / longest);
    button.append(bar);
    button.title = `${room.name}: ${said}`;
    button.disabled = !column;
    if (column) button.addEventListener("click", () => show(column, button, !column.shown));
    $("way").append(button);
    if (column) show(column, button, !room.same);
  }
}

function setTheme(name) {
  document.documentElement.dataset.theme = name;
  $("theme").textContent = name === "dark" ? "Light" : "Dark";
  for (const column of columns) column.drawRuler();
}

async function start() {
  columns = readTexts().map((room) => new Column(room, {follow, warm}));
  drawHeader();
  drawWay();
  drawRemarks(follow);
  drawPlans();
  drawTimes();
  update();
  setTheme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  $("theme").addEventListener(
      "click",
      () => setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
  $("search").addEventListener("input", (event) => seek(event.target.value));
  $("search").addEventListener("keydown", (event) => {
    if (event.key === "Enter")
      for (const column of columns) column.step(event.shiftKey ? -1 : 1);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") follow([], null);
    if (event.key === "/" && document.activeElement.tagName !== "INPUT") {
      event.preventDefault();
      $("search").focus();
    }
  });
  addEventListener(
      "resize",
      () => columns.forEach((column) => column.shown && (column.draw(), column.drawRuler())));
  addEventListener("hashchange", recall);
  recall();
  document.documentElement.dataset.ready = "yes";
}
