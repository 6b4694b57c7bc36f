// What is published makes no script or style of text: a policy needs to allow nothing of the kind, and Trusted Types have nothing to look at.

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { test } from "node:test";

const DIST = new URL("../../pkg/dist/", import.meta.url);

/** Ways to do so, each with what it looks like. */
const FORBIDDEN = [
  ["eval(text)", /\beval\b(?!["'-])/],
  ["new Function(text)", /\bFunction\s*\(/],
  ['setTimeout("text")', /\bset(?:Timeout|Interval)\s*\(\s*["'`]/],
  ["importScripts(address)", /\bimportScripts\b/],
  ["element.innerHTML=text", /\b(?:inner|outer)HTML\b/],
  ["element.insertAdjacentHTML(where,text)", /\b(?:insertAdjacentHTML|setHTML\w*|createContextualFragment|parseFromString|srcdoc)\b/],
  ["document.write(text)", /\bdocument\s*\.\s*write/],
  ["element.style.color=text", /\.style\b|\bcssText\b|\badoptedStyleSheets\b|\binsertRule\b/],
  ['element.setAttribute("onclick",text)', /\bsetAttribute\(\s*(?!"playsinline")/],
  ['document.createElement("script")', /\bcreateElement\(\s*["'`](?!audio["'`])/],
  ["location='javascript:text'", /\bjavascript:/],
];

for (const [sample, pattern] of FORBIDDEN) {
  test(`no file has anything like ${sample}`, async () => {
    assert.match(sample, pattern);
    const files = (await readdir(DIST)).filter((name) => name.endsWith(".js"));
    assert.ok(files.length > 5, `built: ${files}`);
    const found = await Promise.all(files.map(async (name) => pattern.exec(await readFile(new URL(name, DIST), "latin1"))?.[0] && name));
    assert.deepEqual(found.filter(Boolean), []);
  });
}
