// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Below the columns: what is followed, the remarks, the algorithm, and the time of each pass.

function tableRow(...cells) {
  const row = make("tr");
  for (const [text, className] of cells) row.append(make("td", className, text));
  return row;
}

/** The places that are followed, their source, and how many lines of each room come from them. */
function drawFollowed(columns) {
  const box = $("followed");
  const ids = [...state.followed];
  box.replaceChildren(make("h2", "", ids.length ? "Followed" : "Follow an op"));
  if (!ids.length) {
    box.append(make(
        "p", "",
        "Click a line of any room: what comes from the same place in the source lights up in all of them. Arrow keys and Enter do so too; Escape ends it."));
    return;
  }
  const sources = DATA.source.text.split("\n");
  for (const id of ids.slice(0, 6)) {
    const [file, line] = DATA.places[id];
    box.append(make("div", "where", placeText(id)));
    if (file === DATA.file && sources[line - 1] !== undefined)
      box.append(make("code", "", sources[line - 1].trim()));
  }
  if (ids.length > 6) box.append(make("p", "", `and ${count(ids.length - 6, "other place")}`));
  const table = make("table");
  for (const column of columns)
    if (column.hits.length && !column.room.same)
      table.append(tableRow([column.room.name], [count(column.hits.length, "line"), "number"]));
  box.append(table);
}

function drawRemarks(follow) {
  const list = $("remarks").querySelector("ol");
  if (!DATA.remarks.length) list.append(make("li", "dim", "No pass had anything to say."));
  for (const remark of DATA.remarks) {
    const item = make("li");
    item.append(make("span", `kind ${remark.kind.toLowerCase()}`, remark.name), " ");
    item.append(make("span", "dim", `${remark.category}, ${remark.kind.toLowerCase()} `));
    if (remark.places.length) {
      const button = make("button", "", placeText(remark.places[0]));
      button.type = "button";
      button.addEventListener("click", () => follow(remark.places, null));
      item.append(button);
    }
    for (const text of [remark.text, remark.reason])
      if (text) item.append(make("div", "", text));
    list.append(item);
  }
}

function markRemarks() {
  [...$("remarks").querySelectorAll("li")].forEach((item, i) => {
    const places = DATA.remarks[i]?.places ?? [];
    item.classList.toggle("hit", places.some((id) => state.followed.has(id)));
  });
}

/** The plan of each attention, and the reason that the pass gave for it. */
function drawPlans() {
  const box = $("plan").querySelector("div");
  if (!DATA.plans.length) box.append(make("p", "", "No attention has been planned."));
  for (const plan of DATA.plans) {
    const place = plan.places.length ? placeText(plan.places[0]) : "attn.sdpa";
    box.append(make("div", "dim", place));
    const table = make("table");
    for (const [name, value] of plan.fields)
      table.append(tableRow([name], [value], [FIELDS[name]?.(value) ?? "", "dim"]));
    box.append(table);
    const why = DATA.remarks.find(
        (remark) => remark.name === "Plan" && remark.reason &&
            remark.places.some((id) => plan.places.includes(id)));
    if (why) box.append(make("p", "", `Because: ${why.reason}.`));
  }
}

/** The slowest first. */
function drawTimes() {
  const body = $("times").querySelector("tbody");
  const passes = DATA.rooms.flatMap((room) => room.passes.map(([name, ms]) => ({name, ms, room})));
  passes.sort((one, other) => other.ms - one.ms);
  const longest = Math.max(0.001, passes[0]?.ms ?? 0);
  for (const {name, ms, room} of passes) {
    const row = tableRow([name, "name"], [ms.toFixed(2), "number"], [""]);
    row.title = `in ${room.name}`;
    const bar = make("i");
    bar.style.setProperty("--share", ms / longest);
    row.lastChild.append(bar);
    body.append(row);
  }
  if (!passes.length) body.append(tableRow(["No pass has run.", "dim"]));
}
