/** @import { StoreAnswer } from "./store_answer.js" */
import { PresignError } from "./errors.js";
import { parseError } from "./store_answer.js";

/**
 * @typedef {object} TransferOptions
 * @property {AbortSignal} [signal]
 * @property {(bytes: number) => void} [onProgress]  Called with the number of bytes sent so far.
 * @property {number} [stallMs]  After so long without progress the connection counts as lost.
 *
 * @typedef {{ method: string, url: string, headers: Record<string, string> }} StoreRequest
 */

/** How long a connection may be without progress. */
export const STALL_MS = 60_000;

const SENT_BY_THE_BROWSER = new Set(["host", "content-length"]); // scripts may not set these

/**
 * Send one request to the store.
 *
 * @param {StoreRequest} request
 * @param {Blob | string | null} body
 * @param {TransferOptions} [options]
 * @returns {Promise<StoreAnswer>}
 */
export async function transfer(request, body, options = {}) {
  const headers = Object.entries(request.headers).filter(([name]) => !SENT_BY_THE_BROWSER.has(name.toLowerCase()));
  // fetch does not tell how far an upload has come; Node.js has no XMLHttpRequest.
  const send = globalThis.XMLHttpRequest ? sendByXhr : sendByFetch;
  const answer = await send(request, headers, body, options);
  const failure = parseError(answer);
  if (failure) throw failure;
  return answer;
}

/**
 * @param {StoreRequest} request
 * @param {[string, string][]} headers
 * @param {Blob | string | null} body
 * @param {TransferOptions} options
 * @returns {Promise<StoreAnswer>}
 */
function sendByXhr({ method, url }, headers, body, { signal, onProgress, stallMs = STALL_MS }) {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    const abort = () => xhr.abort();
    let stall = setTimeout(abort, stallMs);
    xhr.open(method, url);
    for (const [name, value] of headers) xhr.setRequestHeader(name, value);
    if (onProgress) {
      xhr.upload.onprogress = ({ loaded }) => {
        clearTimeout(stall);
        stall = setTimeout(abort, stallMs);
        onProgress(loaded);
      };
    }
    xhr.onloadend = () => {
      clearTimeout(stall);
      signal?.removeEventListener("abort", abort);
      if (xhr.status === 0) return reject(connectionFailed());
      resolve({ status: xhr.status, text: xhr.responseText, header: (name) => xhr.getResponseHeader(name) });
    };
    signal?.addEventListener("abort", abort);
    xhr.send(body);
  });
}

/**
 * @param {StoreRequest} request
 * @param {[string, string][]} headers
 * @param {Blob | string | null} body
 * @param {TransferOptions} options
 * @returns {Promise<StoreAnswer>}
 */
async function sendByFetch({ method, url }, headers, body, { signal, stallMs }) {
  // Nothing tells whether a sent body makes progress, so that only a limit set by the caller ends the wait.
  const signals = [signal, stallMs ? AbortSignal.timeout(stallMs) : undefined].filter((one) => one !== undefined);
  try {
    const response = await fetch(url, { method, headers, body, signal: AbortSignal.any(signals) });
    const text = await response.text();
    return { status: response.status, text, header: (name) => response.headers.get(name) };
  } catch (cause) {
    throw connectionFailed(cause);
  }
}

/** @param {unknown} [cause] */
function connectionFailed(cause) {
  return new PresignError("The connection to the storage failed.", { code: "network", cause });
}

/**
 * Whether a page can reach the URL but can't read the answer, as the store sends no CORS headers for the page's origin.
 *
 * @param {string} url
 * @returns {Promise<boolean>}
 */
export async function isHiddenByCors(url) {
  if (!globalThis.XMLHttpRequest) return false;
  try {
    return (await fetch(url, { mode: "no-cors", cache: "no-store" })).type === "opaque";
  } catch {
    return false;
  }
}
