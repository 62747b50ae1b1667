import { within } from "./signals.js";

const ANSWER_MS = 10_000;

/**
 * Whether a page can reach the URL, though it may not read the answer.
 *
 * @param {string} url
 * @param {AbortSignal} [signal]
 * @returns {Promise<boolean>}
 */
export async function isReachable(url, signal) {
  return Boolean(globalThis.XMLHttpRequest) && answers(url, "no-cors", signal);
}

/**
 * Whether a page can reach the URL but can't read the answer, as the server sends no CORS headers for the page's origin.
 *
 * @param {string} url
 * @param {AbortSignal} [signal]
 * @returns {Promise<boolean>}
 */
export async function isHiddenByCors(url, signal) {
  // In this order, so that a connection that is there again in between does no harm.
  return (await isReachable(url, signal)) && !(await answers(url, "cors", signal));
}

/**
 * @param {string} url
 * @param {RequestMode} mode
 * @param {AbortSignal} [signal]
 * @returns {Promise<boolean>}
 */
async function answers(url, mode, signal) {
  try {
    await within(ANSWER_MS, signal, (own) => fetch(url, { mode, cache: "no-store", signal: own }));
    return true;
  } catch {
    return false;
  }
}
