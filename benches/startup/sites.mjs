// Sites of one page each, which a browser visits one after the other. Each is an address of 127.0.0.0/8 of its own, and so of another
// process of the browser's; nothing is cached. What a page loads and compiles, it does for the first time.

import { createServer } from "node:http";
import { extname } from "node:path";

import { ISOLATED, launch } from "../support/unattended.mjs";

/** Milliseconds until a page that tells nothing is given up. */
const TIMEOUT = 30_000;
const PAGE = '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>start-up</title><script type="module" src="/page.js"></script>';
const TYPES = { "": "text/html", ".js": "text/javascript; charset=utf-8", ".wasm": "application/wasm" };

export class Sites {
  #servers = [];
  #heard = () => {};
  /** Of each site. @type {string[]} */
  origins = [];

  /** Opens so many sites, all of the same files: text or bytes by path, `/page.js` among them. */
  static async open(count, files) {
    const sites = new Sites();
    const served = { "/": PAGE, ...files };
    for (let i = 0; i < count; i++) {
      const server = createServer((request, response) => sites.#answer(served, request, response));
      const host = `127.0.${1 + Math.floor(i / 250)}.${1 + (i % 250)}`;
      await new Promise((resolve) => server.listen(0, host, resolve));
      sites.#servers.push(server);
      sites.origins.push(`http://${host}:${server.address().port}`);
    }
    return sites;
  }

  /** Has a browser open the page of a site for each of the `queries`, and resolves with what each page told. */
  async visit(browserName, queries) {
    const told = [];
    const address = () => queries[told.length] && `${this.origins[told.length]}/?${new URLSearchParams(queries[told.length])}`;
    let browser;
    let overdue;
    try {
      await new Promise((resolve, reject) => {
        const wait = () => {
          clearTimeout(overdue);
          const silent = new Error(`${browserName}: nothing within ${TIMEOUT / 1_000} s of ${JSON.stringify(queries[told.length])}`);
          overdue = setTimeout(reject, TIMEOUT, silent);
        };
        this.#heard = ({ error, ...result }) => {
          if (error) return reject(new Error(`${browserName}: ${error}`));
          if (told.push(result) === queries.length) resolve();
          else wait();
          return address();
        };
        wait();
        browser = launch(browserName, address(), reject);
      });
    } finally {
      clearTimeout(overdue);
      await (await browser)?.stop();
    }
    return told;
  }

  async #answer(files, request, response) {
    const { pathname } = new URL(request.url, "http://site");
    if (request.method === "POST") {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      return response.end(JSON.stringify({ next: this.#heard(JSON.parse(Buffer.concat(chunks).toString())) }));
    }
    const body = files[pathname];
    if (!body) return response.writeHead(404).end();
    response.writeHead(200, { ...ISOLATED, "Content-Type": TYPES[extname(pathname)] }).end(body);
  }
}
