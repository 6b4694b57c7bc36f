/** What came of messages numbered from 0. */
export class Tally {
  count = 0;
  doubled = 0;
  reordered = 0;
  #seen;
  #next = 0;

  constructor(messages) {
    this.#seen = new Uint8Array(messages);
  }

  add(i) {
    if (this.#seen[i]) return void this.doubled++;
    this.#seen[i] = 1;
    this.count++;
    if (i < this.#next) this.reordered++;
    else this.#next = i + 1;
  }

  figures() {
    const { count, doubled, reordered } = this;
    return { count, doubled, reordered };
  }
}
