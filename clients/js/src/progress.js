/**
 * @typedef {object} Progress
 * @property {number} loaded  Bytes sent.
 * @property {number} total  Bytes of the file.
 * @property {number} fraction  From 0 to 1; an empty file has 1.
 * @property {boolean} waiting  Whether the upload waits to try again, as the connection or a server failed.
 */

/** Adds up the progress of the parts of one file. */
export class ProgressReport {
  #total;
  #onProgress;
  #loaded = 0;
  /** Bytes sent of each part. @type {Map<number, number>} */
  #parts = new Map();

  /**
   * @param {number} total
   * @param {(progress: Progress) => void} onProgress
   */
  constructor(total, onProgress) {
    this.#total = total;
    this.#onProgress = onProgress;
  }

  /**
   * @param {number} part
   * @param {number} bytes
   */
  sent(part, bytes) {
    this.#set(part, bytes);
    this.#report(false);
  }

  /** @param {number} [part]  The one that must be sent again from its beginning. */
  waiting(part) {
    if (part !== undefined) this.#set(part, 0);
    this.#report(true);
  }

  done() {
    this.#loaded = this.#total;
    this.#report(false);
  }

  /** Nothing counts as sent any more. */
  restart() {
    this.#parts.clear();
    this.#loaded = 0;
  }

  /**
   * @param {number} part
   * @param {number} bytes
   */
  #set(part, bytes) {
    this.#loaded += bytes - (this.#parts.get(part) ?? 0);
    this.#parts.set(part, bytes);
  }

  /** @param {boolean} waiting */
  #report(waiting) {
    const [loaded, total] = [this.#loaded, this.#total];
    try {
      this.#onProgress({ loaded, total, fraction: total ? loaded / total : 1, waiting });
    } catch (error) {
      // It is the page's own, and no failure of the upload. Node.js has no `reportError`.
      (globalThis.reportError ?? console.error)(error);
    }
  }
}
