// How far a page's first compilation, instance and socket got, and when: written down from outside, where calls go in and out.

/** Marks what happens from now on; returns what will hold the times, by name, in the order in which they came. */
export function marked() {
  const marks = {};
  const mark = (name) => (marks[name] ??= performance.now());

  const { getItem } = Storage.prototype;
  Storage.prototype.getItem = function (name) {
    mark("started");
    const item = getItem.call(this, name);
    mark("recalled");
    return item;
  };

  const { compile, Instance } = WebAssembly;
  WebAssembly.compile = (source) => {
    mark("decoded");
    const compiled = compile(source);
    compiled.then(() => mark("compiled"));
    return compiled;
  };
  WebAssembly.Instance = new Proxy(Instance, {
    construct(target, args) {
      const instance = Reflect.construct(target, args);
      mark("instantiated");
      return instance;
    },
  });

  globalThis.WebSocket = class extends WebSocket {
    #sent = 0;

    constructor(...args) {
      mark("asked");
      super(...args);
      mark("opening");
      this.addEventListener("open", () => mark("open"));
      this.addEventListener("message", () => mark("received"));
    }

    send(data) {
      super.send(data);
      mark(`sent ${++this.#sent}`);
    }
  };
  return marks;
}
