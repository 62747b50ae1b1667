/** @import { StoreAnswer } from "./store_answer.js" */
import { isHiddenByCors } from "./cors.js";
import { abortError, connectionFailed, PresignError, redirected } from "./errors.js";
import { checkReadable, isBlob } from "./file.js";
import { isRedirect, safeUrl } from "./http.js";
import { checkSignal, outlasting, within } from "./signals.js";
import { storeError } from "./store_answer.js";

/**
 * @typedef {object} TransferOptions
 * @property {AbortSignal} [signal]
 * @property {(bytes: number) => void} [onProgress]  Called with the number of bytes sent so far.
 * @property {number} [stallMs]  After so long without progress of the body, or without the whole answer, the connection
 *   counts as lost.
 * @property {boolean} [begins]  Whether the answer names something that the request begins in the store. Then it is
 *   waited for some seconds after an abort, since nobody could end what has no name.
 *
 * @typedef {{ method: string, url: string, headers: Record<string, string> }} StoreRequest
 */

/** How long a connection may be without progress, and how long an answer may take. */
const STALL_MS = 60_000;

/** How long after an abort the answer is waited for that names what was begun. */
const NAME_MS = 5_000;

/** The slowest connection that an upload survives whose progress nobody tells. */
const SLOWEST_BYTES_PER_MS = 8;

/** The APIs whose answers the page has read. @type {Set<string>} */
const readable = new Set();

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
  const { signal, begins } = options;
  checkSignal(signal);
  const { origin, pathname } = safeUrl(request.url, "The URL for the storage");
  const headers = Object.entries(request.headers).filter(([name]) => !SENT_BY_THE_BROWSER.has(name.toLowerCase()));
  const api = pathname.startsWith("/p/") ? `${origin}/p/` : origin; // PARs have CORS headers of their own
  // fetch does not tell how far an upload has come; Node.js has no XMLHttpRequest.
  const sendBy = globalThis.XMLHttpRequest ? sendByXhr : sendByFetch;
  const send = (/** @type {AbortSignal} */ own) => sendBy(request, headers, body, { ...options, signal: own });
  let answer;
  try {
    answer = await (signal && begins ? outlasting(NAME_MS, signal, send) : sendBy(request, headers, body, options));
  } catch (error) {
    if (signal?.aborted) throw abortError(signal);
    if (error instanceof PresignError && error.code === "connection_failed") {
      if (readable.has(api)) error.isUnknownHost = false;
      // To a browser, a file that it can't read is a failed connection, and so is at once an answer not for the page.
      if (isBlob(body)) await checkReadable(body);
      const isDoubtful = error.cause === undefined && !readable.has(api);
      if (isDoubtful && (await isHiddenByCors(request.url, signal))) throw hidden(error);
    }
    throw error;
  }
  readable.add(api);
  const answered = new URL(answer.url || request.url);
  if (answered.origin !== origin || answered.pathname !== pathname) throw redirected("storage");
  const failure = storeError(answer);
  if (failure) throw failure;
  // Of a file that was changed on the way, the store has neither the old content nor the new one.
  if (isBlob(body)) await checkReadable(body);
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
    /** @type {DOMException | undefined} */
    let cause;
    const giveUp = () => {
      cause = new DOMException("Nothing happened for too long.", "TimeoutError");
      xhr.abort();
    };
    let stall = setTimeout(giveUp, stallMs + hiddenMs(body));
    const moved = (/** @type {number} */ milliseconds) => {
      clearTimeout(stall);
      stall = setTimeout(giveUp, milliseconds);
    };
    xhr.open(method, url);
    for (const [name, value] of headers) xhr.setRequestHeader(name, value);
    if (onProgress) {
      xhr.upload.onprogress = ({ loaded, total }) => {
        // A service worker hides the progress until the end, and a proxy may take all at once and send it on slowly.
        moved(loaded < total ? stallMs : stallMs + hiddenMs(body));
        onProgress(loaded);
      };
    }
    xhr.onloadend = () => {
      clearTimeout(stall);
      signal?.removeEventListener("abort", abort);
      if (xhr.status === 0) return reject(connectionFailed("storage", cause, false));
      const found = headersOf(xhr);
      const header = (/** @type {string} */ name) => found.get(name.toLowerCase()) ?? null;
      resolve({ status: xhr.status, text: xhr.responseText, url: xhr.responseURL, header });
    };
    signal?.addEventListener("abort", abort);
    xhr.send(body);
  });
}

/**
 * The headers that the page may read. To ask for one of the others makes the browser write an error to its console.
 *
 * @param {XMLHttpRequest} xhr
 * @returns {Map<string, string>}
 */
function headersOf(xhr) {
  const lines = xhr.getAllResponseHeaders().trim().split("\r\n");
  return new Map(lines.map((line) => [line.split(":", 1)[0].toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]));
}

/**
 * @param {StoreRequest} request
 * @param {[string, string][]} headers
 * @param {Blob | string | null} body
 * @param {TransferOptions} options
 * @returns {Promise<StoreAnswer>}
 */
async function sendByFetch({ method, url }, headers, body, { signal, stallMs = STALL_MS }) {
  try {
    return await within(stallMs + hiddenMs(body), signal, async (own) => {
      const response = await fetch(url, { method, headers, body, redirect: "manual", signal: own });
      if (isRedirect(response)) throw redirected("storage");
      const text = await response.text();
      return { status: response.status, text, url: response.url, header: (name) => response.headers.get(name) };
    });
  } catch (cause) {
    throw cause instanceof PresignError ? cause : connectionFailed("storage", cause, false);
  }
}

/**
 * How long a body may take whose progress nobody tells.
 *
 * @param {Blob | string | null} body
 */
function hiddenMs(body) {
  return isBlob(body) ? body.size / SLOWEST_BYTES_PER_MS : 0;
}

/** @param {unknown} cause */
function hidden(cause) {
  const message = "The storage lets no page read its answers: it takes the store route, or rules with `via: par`.";
  return new PresignError(message, { code: "cors", cause });
}
