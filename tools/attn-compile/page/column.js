// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One room: its lines, of which only those in sight are in the document, and a ruler that shows
// where in all of them the followed ones are.

const ROW = 18;     // --row of page.css
const BEYOND = 10;  // rows drawn above and below what is seen

class Column {
  constructor(room, events) {
    this.room = room;
    this.events = events;  // follow(places, column), warm(places)
    this.hits = [];
    this.cursor = null;
    this.element = make("section", room.failed ? "column bad" : "column");
    this.element.dataset.room = room.name;
    this.element.append(this.makeHead(), this.makeBody());
  }

  makeHead() {
    const head = make("div", "head");
    const {room} = this;
    head.append(make("h2", "", room.failed ? `failed in ${room.name}` : room.name));
    const lines = linesOf(room);
    head.append(
        make("span", "dim", room.ms === null ? lines : `${lines}, ${milliseconds(room.ms)}`));
    this.countText = make("span");
    this.countBox = make("span", "count");
    this.countBox.append(this.countText);
    for (const [step, sign, label] of [[-1, "▲", "previous"], [1, "▼", "next"]]) {
      const button = make("button", "", sign);
      button.type = "button";
      button.setAttribute("aria-label", `${label} followed line of ${room.name}`);
      button.addEventListener("click", () => this.step(step));
      this.countBox.append(button);
    }
    this.countBox.hidden = true;
    head.append(this.countBox);
    const ops = room.ops.map(([dialect, number]) => `${number} ${dialect}`).join(", ");
    head.append(make("div", "ops", ops || (room.index < 0 ? DATA.file : "no ops")));
    return head;
  }

  makeBody() {
    const body = make("div", "body");
    this.lines = make("div", "lines");
    this.lines.tabIndex = 0;
    this.lines.setAttribute("role", "listbox");
    this.lines.setAttribute(
        "aria-label", `${this.room.name}: arrow keys move, Enter follows a line`);
    this.space = make("div", "space");
    this.space.style.height = `${this.room.rows.length * ROW}px`;
    this.lines.append(this.space);
    this.ruler = make("canvas", "ruler");
    body.append(this.lines, this.ruler);
    this.lines.addEventListener("scroll", () => this.drawSeen());
    this.lines.addEventListener("keydown", (event) => this.onKey(event));
    this.space.addEventListener("click", (event) => this.onClick(event));
    this.space.addEventListener(
        "mouseover", (event) => this.events.warm(this.rowOf(event)?.places ?? []));
    this.lines.addEventListener("mouseleave", () => this.events.warm([]));
    this.ruler.addEventListener("click", (event) => {
      this.show(Math.floor((event.offsetY / this.ruler.clientHeight) * this.room.rows.length));
    });
    return body;
  }

  rowOf(event) {
    return this.room.rows[event.target.closest(".row")?.dataset.row];
  }

  onClick(event) {
    const row = this.rowOf(event);
    if (!row?.places.length) return;
    this.cursor = this.room.rows.indexOf(row);
    this.events.follow(row.places, this);
  }

  isWarm(row) {
    return row.places.some((id) => state.warm.has(id));
  }

  drawWarm() {
    for (const element of this.space.children)
      element.classList.toggle("warm", this.isWarm(this.room.rows[element.dataset.row]));
  }

  onKey(event) {
    const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
    if (step) {
      const last = this.room.rows.length - 1;
      this.cursor =
          this.cursor === null ? this.first() : Math.min(last, Math.max(0, this.cursor + step));
      this.show(this.cursor, false);
    } else if (event.key === "Enter" && this.cursor !== null) {
      this.events.follow(this.room.rows[this.cursor].places, this);
    } else {
      return;
    }
    event.preventDefault();
    this.draw();
  }

  first() {
    return Math.floor(this.lines.scrollTop / ROW);
  }

  /** Brings a row into sight; to the middle where it was out of it. */
  show(index, always = true) {
    const top = index * ROW, height = this.lines.clientHeight;
    const {scrollTop} = this.lines;
    if (always || top < scrollTop || top + ROW > scrollTop + height)
      this.lines.scrollTop = top - height / 2;
    this.draw();
  }

  /** The next followed row, in a circle. */
  step(direction) {
    if (!this.hits.length) return;
    const at = this.hits.indexOf(this.cursor);
    const next = at < 0 ? (direction > 0 ? 0 : this.hits.length - 1) : at + direction;
    this.cursor = this.hits[(next + this.hits.length) % this.hits.length];
    this.show(this.cursor);
    this.drawCount();
  }

  /** Marks what comes from these places, and what has the sought words. */
  mark(followed, sought) {
    const {rows} = this.room;
    const isHit = sought ? (row) => row.text.toLowerCase().includes(sought) :
                           (row) => row.number && row.places.some((id) => followed.has(id));
    this.hits = rows.flatMap((row, i) => isHit(row) ? [i] : []);
    if (!this.hits.includes(this.cursor)) this.cursor = null;
    this.drawCount();
    this.draw();
    this.drawRuler();
  }

  drawCount() {
    const at = this.hits.indexOf(this.cursor);
    this.countBox.hidden = !this.hits.length;
    this.countText.textContent =
        at < 0 ? count(this.hits.length, "line") : `${at + 1} of ${this.hits.length}`;
  }

  draw() {
    this.space.replaceChildren();
    this.drawSeen();
  }

  /** Rows that stay in sight stay the same elements: a click must find them. */
  drawSeen() {
    const {rows} = this.room;
    const from = Math.max(0, this.first() - BEYOND);
    const seen = Math.ceil(this.lines.clientHeight / ROW) + 2 * BEYOND;
    const to = Math.min(rows.length, from + seen);
    const drawn = new Set();
    for (const element of [...this.space.children]) {
      const index = Number(element.dataset.row);
      if (index < from || index >= to)
        element.remove();
      else
        drawn.add(index);
    }
    for (let i = from; i < to; ++i)
      if (!drawn.has(i)) this.space.append(this.makeRow(rows[i], i));
  }

  makeRow(row, index) {
    const {followed, sought} = state;
    const classes = ["row"];
    if (row.note) classes.push("note", row.note.kind);
    if (row.places.length) classes.push("has");
    if (row.places.some((id) => followed.has(id)))
      classes.push("hit");
    else if (this.isWarm(row))
      classes.push("warm");
    if (index === this.cursor) classes.push("cursor");
    const element = make("div", classes.join(" "));
    element.dataset.row = index;
    element.style.top = `${index * ROW}px`;
    element.append(make("span", "number", row.number ?? ""));
    element.append(row.note ? row.text : paint(row.text, sought));
    if (row.note) element.title = row.text;
    return element;
  }

  drawRuler() {
    const {clientHeight: height} = this.ruler;
    if (!height) return;
    this.ruler.width = 10;
    this.ruler.height = height;
    const pen = this.ruler.getContext("2d");
    pen.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--follow");
    for (const hit of this.hits)
      pen.fillRect(2, Math.floor((hit / this.room.rows.length) * height), 7, 2);
  }
}
