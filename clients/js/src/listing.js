/** @import { Api, SignedUrl } from "./api.js" */
/** @import { StoreAnswer } from "./store_answer.js" */
import { isHiddenByCors } from "./cors.js";
import { codeOf, foreignAnswer, PresignError } from "./errors.js";
import { jsonOrNull } from "./http.js";
import { withRetries } from "./retry.js";
import { following } from "./signals.js";
import { element, elements } from "./store_answer.js";

/**
 * @typedef {object} ListedObject
 * @property {string} key  Of the object; with a delimiter, also a common prefix of several.
 * @property {boolean} isPrefix
 * @property {number} size  In bytes.
 * @property {Date | null} modifiedAt
 * @property {string} [url]  Reads the object for some minutes, where the list came by a pre-authenticated request.
 *
 * @typedef {{ delimiter?: "/", signal?: AbortSignal }} ListOptions
 * @typedef {{ entries: ListedObject[], next: string }} Page  Of a list; `next` is empty on the last one.
 */

const LISTED_FIELDS = "name,size,timeModified";
const PAR_ROOT = /^https?:\/\/[^/]+\/p\/[^/]+\/n\/[^/]+\/b\/[^/]+\/o\//;

/** Lists objects: by a pre-authenticated request for the folder where the policy gives one, by S3 elsewhere. */
export class Listing {
  #api;
  /** One PAR for each user and folder, which serves until it is stale. @type {Map<string, SignedUrl>} */
  #pars = new Map();

  /** @param {Api} api */
  constructor(api) {
    this.#api = api;
  }

  /**
   * @param {string} prefix
   * @param {ListOptions} options
   * @returns {AsyncGenerator<ListedObject, void, undefined>}
   */
  async *list(prefix, options) {
    const usesPar = await this.#canUsePar(prefix, options.signal);
    for (let next = ""; ; ) {
      const page = usesPar ? await this.#parPage(prefix, next, options) : await this.#s3Page(prefix, next, options);
      yield* page.entries;
      next = page.next;
      if (!next) return;
    }
  }

  /**
   * @param {string} prefix
   * @param {AbortSignal} [signal]
   */
  async #canUsePar(prefix, signal) {
    if (!folderOf(prefix)) return false; // a PAR is never for a whole bucket
    try {
      await withRetries(() => this.#par(folderOf(prefix), signal), { signal });
      return true;
    } catch (error) {
      if (["access_denied", "invalid_request"].includes(codeOf(error))) return false;
      throw error;
    }
  }

  /**
   * @param {string} folder
   * @param {AbortSignal} [signal]
   */
  async #par(folder, signal) {
    const name = JSON.stringify([await this.#api.user(), folder]);
    const held = this.#pars.get(name);
    if (held && Date.now() < held.staleAt) return held;
    const par = await this.#api.sign({ operation: "get_prefix", prefix: folder, listing: true }, signal);
    this.#pars.set(name, par);
    return par;
  }

  /**
   * @param {string} prefix
   * @param {string} start
   * @param {ListOptions} options
   * @returns {Promise<Page>}
   */
  async #parPage(prefix, start, { delimiter, signal }) {
    const folder = folderOf(prefix);
    let root = "";
    let asked = false;
    const { text } = await this.#read(async () => {
      if (asked) this.#pars.clear(); // as the store has refused the URL
      asked = true;
      const par = await this.#par(folder, signal);
      root = PAR_ROOT.exec(par.url)?.[0] ?? "";
      const query = parameters({ prefix, fields: LISTED_FIELDS, limit: "1000", start, delimiter });
      return { ...par, url: `${root}?${query}` };
    }, signal);
    const { objects, prefixes = [], nextStartWith = "" } = jsonOrNull(text) ?? {};
    if (!Array.isArray(objects)) throw foreignAnswer("storage", 200);
    const entries = objects.map((/** @type {any} */ { name, size, timeModified }) => ({
      ...listed(name, size, timeModified),
      url: root + name.split("/").map(encodeURIComponent).join("/"),
    }));
    return { entries: inOrder([...entries, ...prefixes.map(listedPrefix)]), next: nextStartWith };
  }

  /**
   * @param {string} prefix
   * @param {string} token
   * @param {ListOptions} options
   * @returns {Promise<Page>}
   */
  async #s3Page(prefix, token, { delimiter, signal }) {
    const more = { prefix: prefix || undefined, continuation_token: token || undefined };
    const request = { operation: "list_objects_v2", delimiter, ...more };
    const { text } = await this.#read(() => this.#api.sign(request, signal), signal);
    if (!/<ListBucketResult[\s>]/.test(text)) throw foreignAnswer("storage", 200);
    const objects = elements(text, "Contents").map((object) =>
      listed(element(object, "Key"), Number(element(object, "Size")), element(object, "LastModified")),
    );
    const prefixes = elements(text, "CommonPrefixes").map((common) => listedPrefix(element(common, "Prefix")));
    return { entries: inOrder([...objects, ...prefixes]), next: element(text, "NextContinuationToken") };
  }

  /**
   * @param {(signal?: AbortSignal) => Promise<SignedUrl>} sign
   * @param {AbortSignal} [signal]
   * @returns {Promise<StoreAnswer>}
   */
  async #read(sign, signal) {
    return following(signal, async (controller) => {
      let url = "";
      const remembering = async () => {
        const signed = await sign(controller.signal);
        url = signed.url;
        return signed;
      };
      let isHidden = false;
      const onWait = async () => {
        isHidden = url !== "" && (await isHiddenByCors(url));
        if (isHidden) controller.abort();
      };
      try {
        return await this.#api.send(remembering, { signal: controller.signal, onWait });
      } catch (error) {
        if (!isHidden) throw error;
        throw new PresignError("The storage does not let this page read its answers.", { code: "cors", cause: error });
      }
    });
  }
}

/**
 * The part of a prefix that a PAR can be for.
 *
 * @param {string} prefix
 */
function folderOf(prefix) {
  return prefix.slice(0, prefix.lastIndexOf("/") + 1);
}

/** @param {Record<string, string | undefined>} values */
function parameters(values) {
  const given = Object.entries(values).filter(([, value]) => value);
  return given.map(([name, value]) => `${name}=${encodeURIComponent(value ?? "")}`).join("&");
}

/**
 * @param {string} key
 * @param {number} size
 * @param {string} modifiedAt
 * @returns {ListedObject}
 */
function listed(key, size, modifiedAt) {
  return { key, isPrefix: false, size, modifiedAt: new Date(modifiedAt) };
}

/**
 * @param {string} key
 * @returns {ListedObject}
 */
function listedPrefix(key) {
  return { key, isPrefix: true, size: 0, modifiedAt: null };
}

/** @param {ListedObject[]} entries */
function inOrder(entries) {
  return entries.sort((one, other) => (one.key < other.key ? -1 : 1));
}
