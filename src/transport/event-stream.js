/**
 * Reads an event stream as the HTML Standard does (§9.2.5, §9.2.6), however it is cut into chunks. Returns what takes a chunk,
 * tells `hear` of each event that it completes, and says whether the stream goes on: neither a line nor an event has more
 * characters than `limit`.
 * @param {number} limit @param {(type: string, data: string, id: string) => void} hear @param {(ms: number) => void} wait hears how long to wait before the next stream
 * @returns {(chunk: Uint8Array) => boolean}
 */
export function eventStream(limit, hear, wait) {
  const decoder = new TextDecoder();
  let [line, type, data, id] = ["", "", "", ""];
  /** Whether a CR came last, which may be half of a CRLF. */
  let cut = false;

  function end() {
    const [, name, value] = /** @type {string[]} */ (/^([^:]*):? ?(.*)/s.exec(line));
    if (name === "data") data += value + "\n";
    if (name === "event") type = value;
    if (name === "id" && !value.includes("\0")) id = value;
    if (name === "retry" && /^\d+$/.test(value)) wait(+value);
    if (line) return;
    if (data) hear(type || "message", data.slice(0, -1), id);
    type = data = "";
  }

  return (chunk) => {
    let text = decoder.decode(chunk, { stream: true });
    if (!text) return true;
    if (cut && text[0] === "\n") text = text.slice(1);
    cut = text.endsWith("\r");
    const lines = text.split(/\r\n?|\n/);
    return lines.every((more, i) => {
      if (i) {
        end();
        line = "";
      }
      line += more;
      return data.length + line.length <= limit;
    });
  };
}
