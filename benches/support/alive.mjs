// What is alive in a page of Chromium's once the garbage is gone.

/**
 * Counts listeners, the objects of these kinds (names of constructors) and the heap's bytes, and adds what `counted` finds in the page.
 * @param {any} browser @param {string[]} kinds @param {() => Record<string, number>} counted
 */
export async function alive(browser, kinds, counted) {
  const ask = (method, params = {}) => browser.driver.sendAndGetDevToolsCommand(method, params);
  for (let i = 0; i < 3; i++) await ask("HeapProfiler.collectGarbage");
  const { jsEventListeners: listeners } = await ask("Memory.getDOMCounters");
  const found = { listeners, ...(await browser.evaluate(counted)) };
  for (const kind of kinds) found[kind] = await instances(ask, kind);
  await ask("HeapProfiler.collectGarbage");
  return { ...found, heap: (await ask("Runtime.getHeapUsage")).usedSize };
}

async function instances(ask, kind) {
  const objectGroup = "alive";
  const { result } = await ask("Runtime.evaluate", { expression: `${kind}.prototype`, objectGroup });
  const { objects } = await ask("Runtime.queryObjects", { prototypeObjectId: result.objectId, objectGroup });
  const { result: length } = await ask("Runtime.callFunctionOn", { objectId: objects.objectId, functionDeclaration: "function () { return this.length; }", returnByValue: true });
  await ask("Runtime.releaseObjectGroup", { objectGroup });
  return length.value;
}
