/** @import { ListedObject, PresignClient } from "./clients/js/src/index.js" */
import { PresignError } from "./clients/js/src/index.js";
import { byId, fromTemplate, news } from "./elements.js";
import { inUnits, pathOf } from "./text.js";

const SHOWN = 500;
const PICTURE = /\.(avif|gif|jpe?g|png|svg|webp)$/i;

/** The list is asked for when so long no upload has ended, but after an upload never later than the second time. */
const QUIET_MS = 300;
const LONGEST_MS = 5000;

/** The user's files that are in the store. */
export class FileList {
  #client;
  #getPrefix;
  /** Those that are shown, by what tells one from another. @type {Map<string, HTMLElement>} */
  #elements = new Map();
  /** The last request for the list; older answers are not shown. */
  #asked = 0;
  /** @type {{ since: number, shown: Promise<void>, show: () => void } | null} */
  #next = null;
  #timer = 0;

  /**
   * @param {PresignClient} client
   * @param {() => Promise<string>} getPrefix  Gives the beginning of the keys of the user's files.
   */
  constructor(client, getPrefix) {
    this.#client = client;
    this.#getPrefix = getPrefix;
  }

  /** Show the list, with one request for all uploads that end within a moment. */
  showSoon() {
    if (!this.#next) {
      let show = () => {};
      const shown = new Promise((/** @type {(value: void) => void} */ resolve) => (show = resolve)).then(() => this.show());
      this.#next = { since: Date.now(), shown, show };
    }
    const { since, shown, show } = this.#next;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#next = null;
      show();
    }, Math.min(QUIET_MS, since + LONGEST_MS - Date.now()));
    return shown;
  }

  /** Show the list as the store has it now. */
  async show() {
    const mine = ++this.#asked;
    try {
      const prefix = await this.#getPrefix();
      const files = [];
      for await (const file of this.#client.list(prefix)) if (files.push(file) === SHOWN) break;
      if (mine === this.#asked) this.#show(files, prefix);
    } catch (error) {
      if (mine === this.#asked) sayInstead(`The list can't be shown: ${/** @type {Error} */ (error).message}`);
    }
  }

  /**
   * @param {ListedObject[]} files
   * @param {string} prefix
   */
  #show(files, prefix) {
    files.sort((one, other) => Number(other.modifiedAt) - Number(one.modifiedAt));
    const before = this.#elements;
    const added = files.filter((file) => !before.has(versionOf(file)));
    const created = new Map(added.map((file) => [versionOf(file), this.#element(file, prefix)]));
    const entries = files.map(versionOf).map((name) => [name, before.get(name) ?? created.get(name)]);
    this.#elements = new Map(/** @type {[string, HTMLElement][]} */ (entries));
    const focused = byId("files").contains(document.activeElement) ? document.activeElement : null;
    byId("files").replaceChildren(...this.#elements.values());
    /** @type {HTMLElement | null} */ (focused)?.focus();
    this.#sayIfEmpty();
    this.#showPictures(added).catch(() => {}); // a list without pictures is complete
  }

  #sayIfEmpty() {
    const count = this.#elements.size;
    if (count === 0) sayInstead("No files yet. The files that you upload appear here.");
    else if (count < SHOWN) sayInstead("");
    else sayInstead(`These are the first ${SHOWN} files by name; there may be more.`);
  }

  /**
   * @param {ListedObject} file
   * @param {string} prefix
   */
  #element({ key, size, modifiedAt }, prefix) {
    const element = fromTemplate("file-template");
    const part = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (element.querySelector(selector));
    const path = pathOf(prefix, key);
    const link = /** @type {HTMLAnchorElement} */ (part(".name"));
    part(".size").textContent = inUnits(size);
    part(".state").textContent = `Stored ${modifiedAt?.toLocaleString()}`;
    link.textContent = path;
    part(".picture").addEventListener("error", () => (part(".picture").hidden = true));
    const orReport = (/** @type {Promise<void>} */ action) =>
      action.catch((/** @type {Error} */ { message }) => {
        element.classList.add("failed");
        part(".state").textContent = message;
      });
    link.addEventListener("click", (event) => {
      event.preventDefault();
      orReport(this.#client.download(key));
    });
    part(".delete").setAttribute("aria-label", `Delete: ${path}`);
    part(".delete").addEventListener("click", () => {
      if (confirm(`Delete ${path}?`)) orReport(this.#delete(key, path));
    });
    return element;
  }

  /**
   * @param {string} key
   * @param {string} path
   */
  async #delete(key, path) {
    await this.#client.delete(key);
    await this.show();
    byId("files-title").focus();
    news(`${path} is deleted.`);
  }

  /**
   * Show pictures small, by URLs of one request. Within the time that the policy gives URLs again (`reuse_for`), the
   * browser has them in its cache.
   *
   * @param {ListedObject[]} files
   */
  async #showPictures(files) {
    const pictures = files.filter(({ key }) => PICTURE.test(key));
    const asked = pictures.filter(({ url }) => !url);
    const links = asked.length ? await this.#client.links(asked.map(({ key }) => key)) : [];
    for (const file of pictures) {
      const link = file.url ? { url: file.url } : links.shift();
      const picture = /** @type {HTMLImageElement | undefined} */ (
        this.#elements.get(versionOf(file))?.querySelector(".picture")
      );
      if (!link || link instanceof PresignError || !picture) continue;
      picture.hidden = false;
      picture.src = link.url;
    }
  }
}

/**
 * A text that another object has not, nor a later one of the same key.
 *
 * @param {ListedObject} file
 */
function versionOf({ key, size, modifiedAt }) {
  return JSON.stringify([key, size, modifiedAt]);
}

/**
 * Say something below the list, or nothing.
 *
 * @param {string} text
 */
function sayInstead(text) {
  byId("empty").textContent = text;
  byId("empty").hidden = text === "";
}
