import { abortError, PresignError } from "./errors.js";
import { checkSignal } from "./signals.js";

/**
 * @typedef {object} RetryOptions
 * @property {AbortSignal} [signal]
 * @property {() => void} [onWait]  Called when an attempt has failed and another will follow.
 */

const RETRY_PAUSES_MS = [500, 1000, 2000, 4000, 8000, 15_000, 30_000, 30_000];
/** A server that asks to wait longer than this makes the action fail. */
const MAX_PAUSE_MS = 120_000;
const REFUSALS_IN_A_ROW = 3;
/** Enough for a machine that is offline for some seconds. */
const UNKNOWN_HOST_RETRIES = 4;
/** The store's codes for a body that does not have the digest sent with it. */
const DAMAGED_CODES = new Set([
  "BadDigest",
  "UnmatchedContentMD5",
  "XAmzContentChecksumMismatch",
  "XAmzContentSHA256Mismatch",
]);

/**
 * Repeat `attempt` until it succeeds, with growing pauses after failures that may pass. After a refusal by the store it
 * is repeated at once, as the most likely cause is an expired URL.
 *
 * @template T
 * @param {() => Promise<T>} attempt
 * @param {RetryOptions} options
 * @returns {Promise<T>}
 */
export async function withRetries(attempt, { signal, onWait = () => {} }) {
  for (let failures = 0, refusals = 0; ; ) {
    checkSignal(signal);
    try {
      return await attempt();
    } catch (error) {
      if (signal?.aborted) throw abortError(signal);
      if (!(error instanceof PresignError)) throw error;
      if (isRefusal(error)) {
        if (++refusals === REFUSALS_IN_A_ROW) throw error;
        continue;
      }
      refusals = 0;
      const most = error.isUnknownHost ? UNKNOWN_HOST_RETRIES : RETRY_PAUSES_MS.length;
      const isLast = failures >= most || error.retryAfterMs > MAX_PAUSE_MS;
      if (isLast || !mayPass(error)) throw error;
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
  if (!(error instanceof PresignError && error.fromStore) || error.code === "foreign_answer") return false;
  return error.status === 401 || error.status === 403 || error.code === "NotAuthorizedOrNotFound";
}

/** @param {PresignError} error */
function mayPass({ status, code, fromStore }) {
  if (status === 0) return code === "connection_failed";
  if (fromStore && (status === 500 || DAMAGED_CODES.has(code))) return true;
  return [408, 429, 502, 503, 504].includes(status);
}

/**
 * Wait for a time, and then until the browser is online. The wait also ends as soon as the browser comes online.
 *
 * @param {number} milliseconds
 * @param {AbortSignal} [signal]  Ends the wait too.
 * @returns {Promise<void>}
 */
async function pause(milliseconds, signal) {
  if (signal?.aborted) return; // by `onWait`
  await new Promise((/** @type {(value: void) => void} */ resolve) => {
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
