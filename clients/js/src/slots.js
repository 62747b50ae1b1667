import { abortError } from "./errors.js";
import { checkSignal } from "./signals.js";

/** Runs a limited number of actions at once; the others wait for their turn. */
export class Slots {
  /** @type {(() => void)[]} */
  #waiting = [];
  #free;

  /** @param {number} count */
  constructor(count) {
    this.#free = count;
  }

  /**
   * @template T
   * @param {AbortSignal} signal
   * @param {() => Promise<T>} action
   * @returns {Promise<T>}
   */
  async run(signal, action) {
    checkSignal(signal);
    if (this.#free > 0) this.#free--;
    else await this.#turn(signal);
    try {
      checkSignal(signal);
      return await action();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }

  /** @param {AbortSignal} signal */
  #turn(signal) {
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        this.#waiting.splice(this.#waiting.indexOf(take), 1);
        reject(abortError(signal));
      };
      const take = () => {
        signal.removeEventListener("abort", giveUp);
        resolve(undefined);
      };
      this.#waiting.push(take);
      signal.addEventListener("abort", giveUp);
    });
  }
}
