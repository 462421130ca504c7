//===- StagePage.cpp - The page of --html ---------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What was recorded goes into the page as JSON, compressed and in base64: no
// text of a module can then mean anything to a parser of HTML, and the page of
// a kernel of a megabyte has a tenth of it.
//
//===----------------------------------------------------------------------===//

#include "StagePage.h"

#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Base64.h"
#include "llvm/Support/Compression.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace attn {
namespace {

#include "StagePage.inc" // pageHtml, pageCss, pageJs

constexpr size_t maxPageBytes = 1000000;
/// Longer lines are cut, and texts before anything is tried.
constexpr size_t maxLine = 4000, maxText = 16 << 20;
/// More text than this of all rooms does not fit, however it is packed.
constexpr size_t maxTexts = 12 << 20;

/// A text of which the first lines are shown.
struct Shown {
  std::string text;
  size_t lines = 0, hidden = 0;

  explicit Shown(StringRef whole) {
    if (whole.empty())
      return;
    whole.consume_back("\n");
    lines = whole.count('\n') + 1;
    SmallVector<StringRef> parts;
    whole.split(parts, '\n');
    size_t kept = 0;
    for (StringRef line : parts) {
      if (text.size() > maxText)
        break;
      text += kept++ ? "\n" : "";
      text += line.take_front(maxLine);
      if (line.size() > maxLine)
        text +=
            formatv(" ... {0} characters are left out", line.size() - maxLine);
    }
    hidden = lines - kept;
    lines = kept;
  }

  /// Shows half as many lines.
  void halve() {
    size_t kept = lines / 2, at = 0;
    for (size_t i = 0; i < kept; ++i)
      at = text.find('\n', at) + 1;
    text.resize(at ? at - 1 : 0);
    hidden += lines - kept;
    lines = kept;
  }
};

json::Array numbersOf(ArrayRef<unsigned> numbers) {
  json::Array array;
  for (unsigned number : numbers)
    array.push_back(int64_t(number));
  return array;
}

/// Bytes of a file may be no text at all.
json::Value textOf(StringRef text) { return json::fixUTF8(text); }

json::Value roomOf(const RoomRecord &room, const Shown &shown) {
  json::Array ops, passes, lines;
  for (auto [dialect, count] : room.ops)
    if (dialect != "builtin" && dialect != "func")
      ops.push_back(json::Array{textOf(dialect), count});
  for (const RoomRecord::Pass &pass : room.passes)
    passes.push_back(json::Array{textOf(pass.name), pass.milliseconds});
  for (const auto &[line, places] : room.lines) {
    if (line > shown.lines || places.empty())
      continue;
    lines.push_back(json::Array{int64_t(line), numbersOf(places)});
  }
  return json::Object{
      {"name", textOf(room.name)},       {"failed", room.failed},
      {"ms", room.milliseconds},         {"ops", std::move(ops)},
      {"passes", std::move(passes)},     {"text", textOf(shown.text)},
      {"hidden", int64_t(shown.hidden)}, {"lines", std::move(lines)}};
}

/// The places by number; those that nothing shown comes from are empty.
json::Array placesOf(const StageRecorder &recorder, ArrayRef<Shown> texts) {
  BitVector used(recorder.places.all().size());
  auto use = [&](ArrayRef<unsigned> numbers) {
    for (unsigned number : numbers)
      used.set(number);
  };
  for (auto [room, shown] : zip(recorder.rooms, texts))
    for (const auto &[line, places] : room.lines)
      if (line <= shown.lines)
        use(places);
  for (const RemarkRecord &remark : recorder.remarks)
    use(remark.places);
  for (const PlanRecord &plan : recorder.plans)
    use(plan.places);
  json::Array array;
  for (const auto &[number, place] : enumerate(recorder.places.all())) {
    json::Array parts;
    if (used[number]) {
      parts.push_back(textOf(place.file));
      parts.push_back(int64_t(place.line));
      parts.push_back(int64_t(place.column));
    }
    array.push_back(std::move(parts));
  }
  return array;
}

json::Array remarksOf(const StageRecorder &recorder) {
  json::Array array;
  for (const RemarkRecord &remark : recorder.remarks)
    array.push_back(json::Object{{"room", int64_t(remark.room)},
                                 {"places", numbersOf(remark.places)},
                                 {"kind", textOf(remark.kind)},
                                 {"name", textOf(remark.name)},
                                 {"category", textOf(remark.category)},
                                 {"text", textOf(remark.text)},
                                 {"reason", textOf(remark.reason)}});
  return array;
}

json::Array plansOf(const StageRecorder &recorder) {
  json::Array array;
  for (const PlanRecord &plan : recorder.plans) {
    json::Array fields;
    for (const auto &[name, value] : plan.fields)
      fields.push_back(json::Array{name, value});
    array.push_back(json::Object{{"places", numbersOf(plan.places)},
                                 {"fields", std::move(fields)}});
  }
  return array;
}

json::Array errorsOf(const PageFacts &facts) {
  json::Array array;
  for (const DiagnosticError::Message &message : facts.errors)
    array.push_back(json::Object{{"file", textOf(message.file)},
                                 {"line", int64_t(message.line)},
                                 {"column", int64_t(message.column)},
                                 {"text", textOf(message.text)}});
  return array;
}

std::string dataOf(const StageRecorder &recorder, const PageFacts &facts,
                   const Shown &source, ArrayRef<Shown> texts) {
  json::Array rooms;
  for (auto [room, shown] : zip(recorder.rooms, texts))
    rooms.push_back(roomOf(room, shown));
  json::Object data{
      {"file", textOf(facts.file)},
      {"target", textOf(facts.target)},
      {"source", json::Object{{"text", textOf(source.text)},
                              {"hidden", int64_t(source.hidden)}}},
      {"places", placesOf(recorder, texts)},
      {"rooms", std::move(rooms)},
      {"remarks", remarksOf(recorder)},
      {"plans", plansOf(recorder)},
      {"errors", errorsOf(facts)}};
  std::string text = formatv("{0}", json::Value(std::move(data)));
  SmallVector<uint8_t> bytes;
  compression::zlib::compress(arrayRefFromStringRef(text), bytes,
                              compression::zlib::BestSizeCompression);
  return encodeBase64(bytes);
}

/// The parts of the page in their places, `<!--name-->`.
std::string fill(StringRef title, StringRef data) {
  std::string page, escaped;
  raw_string_ostream os(escaped);
  printHTMLEscaped(title, os);
  StringRef rest = pageHtml;
  for (auto [mark, part] :
       {std::pair<StringRef, StringRef>("<!--title-->", escaped),
        {"<!--style-->", pageCss},
        {"<!--data-->", data},
        {"<!--script-->", pageJs}}) {
    auto [before, after] = rest.split(mark);
    page += before;
    page += part;
    rest = after;
  }
  page += rest;
  return page;
}

} // namespace

Expected<std::string> makeStagePage(const StageRecorder &recorder,
                                    const PageFacts &facts) {
  if (!compression::zlib::isAvailable())
    return createStringError("--html: expected an LLVM with zlib");
  Shown source(facts.source);
  std::vector<Shown> texts;
  for (const RoomRecord &room : recorder.rooms)
    texts.emplace_back(room.text);
  std::string title =
      json::fixUTF8(sys::path::filename(facts.file)) + ": rooms";
  while (true) {
    Shown *largest = &source;
    size_t all = source.text.size();
    for (Shown &text : texts) {
      all += text.text.size();
      if (text.text.size() > largest->text.size())
        largest = &text;
    }
    if (all > maxTexts) {
      largest->halve();
      continue;
    }
    std::string page = fill(title, dataOf(recorder, facts, source, texts));
    if (page.size() < maxPageBytes)
      return page;
    if (largest->text.empty())
      return createStringError(
          "--html: expected remarks and places that fit into " +
          Twine(maxPageBytes) + " bytes, found " + Twine(page.size()));
    largest->halve();
  }
}

} // namespace attn
