// What editors show: each option says what it is for and what it is without, each error's code what it means and what to do.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import ts from "typescript-oldest";

import { TEXTS } from "../../pkg/js/error.js";
import { TEXT } from "../../pkg/js/schemas/text.js";
import "../../pkg/js/voice/errors.js";
import "../../pkg/js/wasm/errors.js";
import { WARNINGS } from "../../src/transport/webrtc.js";

const TYPES = new URL("../../pkg/types/", import.meta.url);

/** Interfaces whose optional members are options, by file. */
const OPTIONS = {
  "index.d.ts": ["Options", "Endpoints", "Timing", "PostShape", "JsonDialect", "WaitOptions", "ListenOptions", "SendOptions"],
  "schemas.d.ts": ["SchemaOptions"],
  "voice.d.ts": ["Options", "Endpoints", "Timing", "WebRtcOptions", "JsonSignaling", "AudioOptions", "SoundMessages", "DiagnoseOptions"],
  "openai.d.ts": ["OpenAiDialect", "OpenAiOptions", "Tool"],
};

/** The interfaces of a file by name. */
async function interfaces(name) {
  const source = ts.createSourceFile(name, await readFile(fileURLToPath(new URL(name, TYPES)), "utf8"), ts.ScriptTarget.Latest, true);
  return new Map(source.statements.filter(ts.isInterfaceDeclaration).map((found) => [found.name.text, found]));
}

const docOf = (member) => member.jsDoc?.at(-1);
/** Whether it says what it is, and a default: a tag, or in the same line as the rest. */
const isExplained = (member) => /[a-z].*@default \S/s.test(docOf(member)?.getText() ?? "");
const textOf = (member) => (ts.getTextOfJSDocComment(docOf(member)?.comment) ?? "").trim();

for (const [file, names] of Object.entries(OPTIONS)) {
  test(`${file}: each option says what it is and what holds without it`, async () => {
    const found = await interfaces(file);
    const silent = names.flatMap((name) => {
      const { members } = found.get(name) ?? assert.fail(`no interface ${name}`);
      const optional = members.filter((member) => member.questionToken);
      assert.ok(optional.length, name);
      return optional.filter((member) => !isExplained(member)).map((member) => `${name}.${member.name.text}`);
    });
    assert.deepEqual(silent, []);
  });
}

test("an editor shows what a code means where it is written and where it is offered", () => {
  const file = fileURLToPath(new URL("app.ts", import.meta.url));
  const text = 'import type { ByCode } from "../../pkg/types/index.js";\nexport const words: ByCode<string> = { outbox_full: "" };\n';
  const read = (name) => (name === file ? text : ts.sys.readFile(name));
  const service = ts.createLanguageService({
    getScriptFileNames: () => [file],
    getScriptVersion: () => "1",
    getScriptSnapshot: (name) => (read(name) === undefined ? undefined : ts.ScriptSnapshot.fromString(read(name))),
    getCurrentDirectory: () => fileURLToPath(new URL("../../", import.meta.url)),
    getCompilationSettings: () => ({ strict: true, module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler, target: ts.ScriptTarget.ES2022, types: [] }),
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: (name) => read(name) !== undefined,
    readFile: read,
  });
  const at = text.indexOf("outbox_full");
  assert.equal(ts.displayPartsToString(service.getQuickInfoAtPosition(file, at).documentation), "The outbox is full. Await send(), or raise `outbox`.");
  const offered = service.getCompletionEntryDetails(file, at, "lost", {}, undefined, {}, undefined);
  assert.equal(ts.displayPartsToString(offered.documentation), "The connection was lost.");
});

test("each code of an error says what the error itself says", async () => {
  const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;
  const said = { ...TEXTS, ...WARNINGS, invalid: TEXT };
  const expected = Object.entries(said).map(([code, texts]) => [code, texts.map(sentence).join(" ")]);
  const { members } = (await interfaces("codes.d.ts")).get("ErrorCodes");
  const explained = members.map((member) => [member.name.text, textOf(member)]);
  assert.deepEqual(Object.fromEntries(explained), Object.fromEntries(expected));
  assert.equal(explained.length, expected.length);
});
