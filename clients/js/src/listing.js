/** @import { Api } from "./api.js" */
/** @import { SignedUrl } from "./api_answer.js" */
import { checkText, checkTexts, optionsOf, textError } from "./arguments.js";
import { codeOf, foreignAnswer } from "./errors.js";
import { jsonOrNull, told } from "./http.js";
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
 * @typedef {ListOptions & { prefix: string, folder: string, user?: string | null }} Query  `folder` is the part of the
 *   prefix that a PAR can be for. Whose PAR that is, is asked once for a list, and only if it matters.
 * @typedef {{ entries: ListedObject[], next: string }} Page  Of a list; `next` is empty on the last one.
 */

const LISTED_FIELDS = "name,size,timeModified";
/** Refusals of the API, and all failures after which a list may come another way. */
const REFUSALS = ["access_denied", "invalid_request"];
const NOT_BY_S3 = [...REFUSALS, "cors"];
const PAR_ROOT = /^https?:\/\/[^/]+\/p\/[^/]+\/n\/[^/]+\/b\/[^/]+\/o\//;

/** Lists objects: by S3 where the policy and the store let the page do so, or else by a PAR for the folder. */
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
   * @param {ListOptions} [options]
   * @returns {AsyncGenerator<ListedObject, void, undefined>}
   */
  async *list(prefix, options) {
    checkText(prefix, "The prefix");
    const { delimiter, signal } = optionsOf(options);
    checkTexts({ delimiter });
    /** @type {Query} */
    const query = { delimiter, signal, prefix, folder: prefix.slice(0, prefix.lastIndexOf("/") + 1) };
    let { page, isByPar } = await this.#firstPage(query);
    const read = isByPar ? this.#parPage : this.#s3Page;
    for (;;) {
      yield* page.entries;
      const { next } = page;
      if (!next) return;
      page = await read.call(this, query, next);
      if (page.next === next) throw foreignAnswer("storage", 200); // or the list would never end
    }
  }

  /**
   * @param {Query} query
   * @returns {Promise<{ page: Page, isByPar: boolean }>}
   */
  async #firstPage(query) {
    const byPar = async () => ({ page: await this.#parPage(query, ""), isByPar: true });
    if (query.folder && (this.#api.via === "par" || (await this.#held(query)))) return byPar();
    try {
      return { page: await this.#s3Page(query, ""), isByPar: false };
    } catch (error) {
      // A PAR is never for a whole bucket.
      if (!query.folder || this.#api.via || !NOT_BY_S3.includes(codeOf(error))) throw error;
      return byPar().catch((other) => {
        throw REFUSALS.includes(codeOf(other)) ? error : other;
      });
    }
  }

  /** @param {Query} query */
  async #par(query) {
    const held = await this.#held(query);
    if (held) return held;
    const { folder, signal } = query;
    const par = await this.#api.sign({ operation: "get_prefix", prefix: folder, listing: true }, signal);
    this.#pars.set(await this.#nameOf(query), par);
    return par;
  }

  /** @param {Query} query */
  async #held(query) {
    const held = this.#pars.size ? this.#pars.get(await this.#nameOf(query)) : undefined;
    return held && Date.now() < held.staleAt ? held : null;
  }

  /** @param {Query} query */
  async #nameOf(query) {
    if (query.user === undefined) query.user = await this.#api.user(query.signal);
    return JSON.stringify([query.user, query.folder]);
  }

  /**
   * @param {Query} query
   * @param {string} start
   * @returns {Promise<Page>}
   */
  async #parPage(query, start) {
    const { prefix, delimiter, signal } = query;
    let root = "";
    let asked = false;
    const signed = async () => {
      if (asked) this.#pars.clear(); // as the store has refused the URL
      asked = true;
      const par = await this.#par(query);
      root = PAR_ROOT.exec(par.url)?.[0] ?? "";
      const values = parameters({ prefix, fields: LISTED_FIELDS, limit: "1000", start, delimiter });
      return { ...par, url: `${root}?${values}` };
    };
    const { text } = await this.#api.send(signed, { signal });
    const found = jsonOrNull(text) ?? {};
    const [objects, prefixes, next] = [found.objects, found.prefixes ?? [], found.nextStartWith ?? ""];
    const areLists = Array.isArray(objects) && Array.isArray(prefixes);
    const texts = areLists ? [next, ...prefixes, ...objects.map((object) => object?.name)] : [null];
    if (texts.some((one) => textError(one, "A key"))) throw foreignAnswer("storage", 200);
    const entries = objects.map((/** @type {any} */ { name, size, timeModified }) => ({
      ...listed(name, size, timeModified),
      url: root + name.split("/").map(encodeURIComponent).join("/"),
    }));
    return { entries: inOrder([...entries, ...prefixes.map(listedPrefix)]), next };
  }

  /**
   * @param {Query} query
   * @param {string} token
   * @returns {Promise<Page>}
   */
  async #s3Page({ prefix, delimiter, signal }, token) {
    const more = { prefix: prefix || undefined, continuation_token: token || undefined };
    const request = { operation: "list_objects_v2", delimiter, ...more };
    const { text } = await this.#api.send(request, { signal });
    const [list = ""] = elements(text, "ListBucketResult");
    const isLast = element(list, "IsTruncated") !== "true";
    const next = isLast ? "" : element(list, "NextContinuationToken");
    const objects = elements(list, "Contents").map((object) =>
      listed(element(object, "Key"), element(object, "Size"), element(object, "LastModified")),
    );
    // A list that was cut off, or that does not say how it goes on, is not taken for the whole.
    const isWhole = list !== "" && (isLast || next !== "") && objects.every(({ key }) => key !== "");
    if (!isWhole) throw foreignAnswer("storage", 200);
    const prefixes = elements(list, "CommonPrefixes").map((common) => listedPrefix(element(common, "Prefix")));
    return { entries: inOrder([...objects, ...prefixes]), next };
  }
}

/** @param {Record<string, string | undefined>} values */
function parameters(values) {
  const given = Object.entries(values).filter(([, value]) => value);
  return given.map(([name, value]) => `${name}=${encodeURIComponent(value ?? "")}`).join("&");
}

/**
 * @param {string} key
 * @param {unknown} size
 * @param {unknown} modifiedAt
 * @returns {ListedObject}
 */
function listed(key, size, modifiedAt) {
  const date = new Date(told(modifiedAt));
  return { key, isPrefix: false, size: Number(told(size)) || 0, modifiedAt: Number.isNaN(date.getTime()) ? null : date };
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
  return entries.sort((one, other) => compare(one.key, other.key));
}

/**
 * Compare keys as the store does, by their characters. JavaScript compares halves of those above U+FFFF.
 *
 * @param {string} one
 * @param {string} other
 */
function compare(one, other) {
  let at = 0;
  while (at < one.length && one[at] === other[at]) at++;
  return (one.codePointAt(at) ?? -1) - (other.codePointAt(at) ?? -1);
}
