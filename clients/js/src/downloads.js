/** @import { Api } from "./api.js" */
import { checkText, checkTexts } from "./arguments.js";
import { abortError, PresignError } from "./errors.js";
import { sizeOf } from "./objects.js";
import { withRetries } from "./retry.js";
import { unlessAborted, within } from "./signals.js";
import { storeError } from "./store_answer.js";

/** How long a frame stays, so that the browser has the answer's headers and knows that it is a file to save. */
const FRAME_MS = 120_000;
const CHECK_MS = 30_000;

const NO_PAGE = "Only a page can let the browser save a file; a worker or a script takes the URL that `link` gives.";

/** Lets the browser save objects, one after the other. */
export class Downloads {
  #api;
  /** @type {Promise<void>} */
  #last = Promise.resolve();

  /** @param {Api} api */
  constructor(api) {
    this.#api = api;
  }

  /**
   * @param {string} key
   * @param {{ saveAs?: string, signal?: AbortSignal }} options
   * @returns {Promise<void>}
   */
  start(key, { saveAs, signal }) {
    checkText(key, "The key");
    checkTexts({ saveAs });
    if (!globalThis.document) throw new PresignError(NO_PAGE, { code: "no_page" });
    const before = this.#last;
    const begun = unlessAborted(before, signal).then(() => this.#begin(key, fileName(saveAs ?? key), signal));
    this.#last = begun.catch(() => before); // one that is canceled lets none overtake those before it
    return begun;
  }

  /**
   * @param {string} key
   * @param {string} name
   * @param {AbortSignal} [signal]
   */
  async #begin(key, name, signal) {
    const request = { operation: "get_object", key, download_as: name, cors: false };
    const { url, via } = await withRetries(() => this.#api.sign(request, signal), { signal });
    const refusal = await (via === "par" ? refusalOf(url, signal) : this.#refusalOf(key, signal));
    if (refusal) throw refusal;
    // In a frame, an answer that is no file to save takes the place of nothing.
    const frame = document.createElement("iframe");
    frame.hidden = true;
    frame.src = url;
    document.body.append(frame);
    setTimeout(() => frame.remove(), FRAME_MS);
  }

  /**
   * The store's refusal of an object, as far as a page can know it: by the store route, if the user may ask for the
   * object's size.
   *
   * @param {string} key
   * @param {AbortSignal} [signal]
   */
  async #refusalOf(key, signal) {
    try {
      const size = await within(CHECK_MS, signal, (own) => sizeOf(this.#api, key, own));
      return size === null ? noSuchKey() : null;
    } catch (error) {
      if (signal?.aborted) throw abortError(signal);
      return error instanceof PresignError && error.fromStore ? error : null;
    }
  }
}

function noSuchKey() {
  return new PresignError("There is no such file.", { code: "NoSuchKey", status: 404, fromStore: true });
}

/**
 * The store's refusal of a PAR. The answer is read no further than to its headers if it is the object.
 *
 * @param {string} url
 * @param {AbortSignal} [signal]
 */
async function refusalOf(url, signal) {
  try {
    return await within(CHECK_MS, signal, async (own) => {
      const response = await fetch(url, { cache: "no-store", signal: own });
      const { ok, status, headers } = response;
      if (!ok) return storeError({ status, text: await response.text(), url, header: (name) => headers.get(name) });
      await response.body?.cancel();
      return null;
    });
  } catch {
    if (signal?.aborted) throw abortError(signal);
    return null;
  }
}

/**
 * A file name that the browser and the API take, from one that a user or a key gives.
 *
 * @param {string} text
 */
function fileName(text) {
  const parts = text.split("/").filter((part) => part !== "");
  const name = (parts.at(-1) ?? "").replace(/[\\\p{Cc}\p{Bidi_Control}]/gu, "_");
  return [...name].slice(0, 255).join("") || "download";
}
