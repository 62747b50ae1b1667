/** @import { TransferOptions, RetryOptions } from "./transfer.js" */
import { aborted, PresignError } from "./errors.js";

const RETRY_PAUSES_MS = [500, 1000, 2000, 4000, 8000, 15_000, 30_000, 30_000];
const REFUSALS_IN_A_ROW = 3;
/** The store's codes for a body that does not have the digest sent with it. */
const DAMAGED = new Set(["BadDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch", "UnmatchedContentMD5"]);

/**
 * Repeat `attempt` until it succeeds, with growing pauses after failures that may pass. After a refusal by the store it
 * is repeated at once, as the most likely cause is an expired URL.
 *
 * @template T
 * @param {() => Promise<T>} attempt
 * @param {RetryOptions} options
 * @returns {Promise<T>}
 */
export async function persistently(attempt, { signal, onWait = () => {} }) {
  for (let failures = 0, refusals = 0; ; ) {
    if (signal?.aborted) throw aborted(signal);
    try {
      return await attempt();
    } catch (error) {
      if (signal?.aborted) throw aborted(signal);
      if (!(error instanceof PresignError)) throw error;
      if (isRefusal(error)) {
        if (++refusals === REFUSALS_IN_A_ROW) throw error;
        continue;
      }
      refusals = 0;
      if (!mayPass(error) || failures === RETRY_PAUSES_MS.length) throw error;
      onWait();
      await pause(Math.max(RETRY_PAUSES_MS[failures++], error.retryAfterMs), signal);
    }
  }
}

/**
 * Whether the store refuses the URL itself: it has expired, was revoked, or is not for this request.
 *
 * @param {unknown} error
 * @returns {boolean}
 */
export function isRefusal(error) {
  if (!(error instanceof PresignError && error.fromStore)) return false;
  return error.status === 401 || error.status === 403 || error.code === "NotAuthorizedOrNotFound";
}

/** @param {PresignError} error */
function mayPass({ status, code, fromStore }) {
  if (status === 0) return code === "network";
  if (fromStore && (status >= 500 || DAMAGED.has(code))) return true;
  return [408, 429, 502, 503, 504].includes(status);
}

/**
 * Wait for a time, and then until the browser is online. The wait also ends as soon as the browser comes online.
 *
 * @param {number} milliseconds
 * @param {AbortSignal} [signal]  Ends the wait too.
 * @returns {Promise<void>}
 */
function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      globalThis.removeEventListener?.("online", end);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(() => globalThis.navigator?.onLine !== false && end(), milliseconds);
    globalThis.addEventListener?.("online", end);
    signal?.addEventListener("abort", end);
  });
}

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
    if (this.#free > 0) this.#free--;
    else await this.#turn(signal);
    try {
      if (signal.aborted) throw aborted(signal);
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
        reject(aborted(signal));
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
