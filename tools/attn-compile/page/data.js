// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What attn-compile wrote into the page, and the little that all scripts use.

const $ = (id) => document.getElementById(id);

/** An element with text, never with markup: modules may say anything. */
function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

async function readData() {
  const packed = atob($("data").textContent);
  const bytes = Uint8Array.from(packed, (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream();
  const plain = stream.pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(plain).text());
}

const DATA = await readData();

function milliseconds(value) {
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}

function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

/** `rows.mlir:3:8`; other files than the compiled one keep their folders. */
function placeText(id) {
  const [file, line, column] = DATA.places[id];
  const name = file === DATA.file ? file.split("/").pop() : file;
  return `${name}:${line}:${column}`;
}

/**
 * The texts that columns show: the source, then the rooms. Each line has the places that it comes
 * from, and rows are lines and notes: remarks, errors, and what was left out.
 */
function readTexts() {
  const source = {name: "source", ...DATA.source, lines: [], ops: [], ms: null};
  const byLine = new Map();
  DATA.places.forEach(([file, line], id) => {
    if (file === DATA.file) append(byLine, line, id);
  });
  source.lines = [...byLine];
  const texts = [source, ...DATA.rooms].filter((room) => room.text);
  texts.forEach((room, i) => {
    room.index = DATA.rooms.indexOf(room);  // -1 for the source
    room.same = i > 1 && room.text === texts[i - 1].text;
    room.rows = rowsOf(room);
  });
  return texts;
}

/** `map[key]` is a list that gets one more. */
function append(map, key, value) {
  if (map.has(key))
    map.get(key).push(value);
  else
    map.set(key, [value]);
}

/** The line of a room where each place stands first; an attn op before what was made for it. */
function firstLines(room, texts) {
  const first = new Map();
  const isAttn = (line) => texts[line - 1].includes("attn.");
  for (const [line, places] of room.lines)
    for (const id of places)
      if (!first.has(id) || (!isAttn(first.get(id)) && isAttn(line))) first.set(id, line);
  return first;
}

/** Remarks by line: where they were made and in the source. Errors stand in the source alone. */
function notesOf(room, texts) {
  const notes = new Map(), first = firstLines(room, texts);
  DATA.remarks.forEach((remark) => {
    if (room.index >= 0 && remark.room !== room.index) return;
    const line = first.get(remark.places.find((id) => first.has(id)));
    if (line)
      append(
          notes, line,
          {kind: remark.kind.toLowerCase(), text: remarkText(remark), places: remark.places});
  });
  if (room.index < 0)
    for (const error of DATA.errors)
      if (error.file === DATA.file && error.line)
        append(notes, error.line, {kind: "error", text: `error: ${error.text}`, places: []});
  return notes;
}

function remarkText(remark) {
  return [remark.name, remark.text, remark.reason].filter(Boolean).join(" · ");
}

function linesOf(room) {
  return count(room.rows.filter((row) => row.number).length, "line");
}

function rowsOf(room) {
  const texts = room.text.split("\n"), rows = [];
  const placesAt = new Map(room.lines), notes = notesOf(room, texts);
  texts.forEach((text, i) => {
    rows.push({number: i + 1, text, places: placesAt.get(i + 1) ?? []});
    for (const note of notes.get(i + 1) ?? [])
      rows.push({note, text: note.text, places: note.places});
  });
  if (room.hidden)
    rows.push({
      note: {kind: "left"},
      text: `${count(room.hidden, "more line")}, left out here; --dump-stages writes them`,
      places: []
    });
  return rows;
}
