import { within } from "./signals.js";

const ANSWER_MS = 60_000;

/**
 * Whether a page can reach the URL but can't read the answer, as the store sends no CORS headers for the page's origin.
 *
 * @param {string} url
 * @returns {Promise<boolean>}
 */
export async function isHiddenByCors(url) {
  if (!globalThis.XMLHttpRequest) return false;
  const request = /** @type {const} */ ({ mode: "no-cors", cache: "no-store" });
  try {
    return (await within(ANSWER_MS, undefined, (signal) => fetch(url, { ...request, signal }))).type === "opaque";
  } catch {
    return false;
  }
}
