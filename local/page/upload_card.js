/** @import { PresignClient, Progress, UnfinishedUpload } from "./clients/js/src/index.js" */
import { MULTIPART_FROM_BYTES, PAUSE, PresignError } from "./clients/js/src/index.js";
import { fromTemplate, news } from "./elements.js";
import { duration, inUnits, percent } from "./text.js";

const SPEED_WINDOW_MS = 5000;
const FINAL = ["limit_exceeded", "access_denied", "PreconditionFailed"]; // trying again does not help

/**
 * @typedef {object} Surroundings  Of a card on the page.
 * @property {PresignClient} client
 * @property {() => void} chooseFile
 * @property {(key: string) => Promise<void>} stored  Called when the upload has succeeded; the card stays until it ends.
 * @property {(card: UploadCard) => void} remove  Takes the card from the page.
 */

/** One upload on the page. */
export class UploadCard {
  /** @type {File | undefined} */
  file;
  /** @type {AbortController | undefined} */
  #controller;
  /** Resolved when the upload has succeeded or failed. @type {Promise<void> | undefined} */
  #end;
  /** @type {[number, number][]} */
  #samples = [];
  #path;
  #surroundings;

  /**
   * @param {string} key
   * @param {string} path  The file's name, after those of its folders.
   * @param {File | UnfinishedUpload} description
   * @param {Surroundings} surroundings
   */
  constructor(key, path, description, surroundings) {
    this.key = key;
    this.description = description;
    this.#path = path;
    this.#surroundings = surroundings;
    this.element = fromTemplate("upload-template");
    this.progress = /** @type {HTMLProgressElement} */ (this.#part("progress"));
    this.#part(".name").textContent = path;
    this.#part(".size").textContent = inUnits(description.size);
    this.progress.setAttribute("aria-label", `Progress of ${path}`);
    this.#label(".pause", "Pause");
    this.#part(".pause").addEventListener("click", () => this.#controller?.abort(PAUSE));
    this.#part(".resume").addEventListener("click", () => this.start());
    this.#part(".cancel").addEventListener("click", () => this.#cancel());
  }

  get isRunning() {
    return this.#controller !== undefined;
  }

  /** @param {File} [file] */
  start(file = this.file) {
    if (this.isRunning) return;
    if (!file) return this.#surroundings.chooseFile();
    this.file = file;
    this.#controller = new AbortController();
    this.#samples = [];
    this.#setStopped(false);
    this.#say("Starting…");
    this.#end = this.#upload(file, this.#controller.signal);
  }

  /**
   * @param {File} file
   * @param {AbortSignal} signal
   */
  async #upload(file, signal) {
    try {
      await this.#surroundings.client.upload(file, this.key, { onProgress: this.#show.bind(this), signal });
      this.#controller = undefined;
      this.#say("Stored.");
      await this.#surroundings.stored(this.key);
      this.#remove(`${this.#path} is uploaded.`);
    } catch (error) {
      this.#controller = undefined;
      const { code, message } = error instanceof PresignError ? error : { code: "", message: String(error) };
      if (code === "canceled") return this.#remove(`${this.#path} was canceled.`);
      this.stop(code === "paused" ? `Paused at ${percent(this.progress.value)}.` : message, code !== "paused");
      if (FINAL.includes(code)) this.#setFinal();
      news(`${this.#path}: ${code === "paused" ? "paused" : message}`);
    }
  }

  /**
   * Show how far an upload was that another page has begun.
   *
   * @param {number} loaded  Bytes that the store has.
   */
  showUnfinished(loaded) {
    this.progress.value = this.description.size ? loaded / this.description.size : 0;
    this.stop(`Stopped at ${percent(this.progress.value)}. Choose the same file again to go on.`);
  }

  /**
   * Show that the upload does not run, and why.
   *
   * @param {string} why
   * @param {boolean} [failed]
   */
  stop(why, failed = false) {
    this.#setStopped(true, failed);
    this.#say(why);
  }

  /** @param {Progress} progress */
  #show({ loaded, total, waiting }) {
    const share = total ? loaded / total : 1;
    this.progress.value = share;
    if (waiting) {
      this.#samples = [];
      return this.#say(`${percent(share)}. The connection was lost; trying again…`);
    }
    const now = performance.now();
    this.#samples.push([now, loaded]);
    while (now - this.#samples[0][0] > SPEED_WINDOW_MS) this.#samples.shift();
    const [since, before] = this.#samples[0];
    const speed = ((loaded - before) / (now - since)) * 1000;
    if (!(speed > 0 && now - since > 300)) return this.#say(percent(share));
    if (loaded === total) return this.#say(`${percent(share)} · the store joins the parts…`);
    this.#say(`${percent(share)} · ${inUnits(speed)}/s · ${duration((total - loaded) / speed)} left`);
  }

  async #cancel() {
    this.#controller?.abort();
    await this.#end;
    if (!this.element.isConnected) return;
    try {
      await this.#surroundings.client.discard(this.description, this.key);
      this.#remove(`${this.#path} was canceled.`);
    } catch (error) {
      this.stop(String(/** @type {Error} */ (error).message), true);
    }
  }

  /** @param {string} why */
  #remove(why) {
    this.#surroundings.remove(this);
    news(why);
  }

  /**
   * @param {boolean} stopped
   * @param {boolean} [failed]
   */
  #setStopped(stopped, failed = false) {
    this.element.classList.toggle("stopped", stopped);
    this.element.classList.toggle("failed", failed);
    const [resume, pause] = [this.#part(".resume"), this.#part(".pause")];
    const hadFocus = document.activeElement === (stopped ? pause : resume);
    // A small file goes up in one request, of which no part can be kept.
    pause.hidden = stopped || this.description.size < MULTIPART_FROM_BYTES;
    resume.hidden = !stopped;
    this.#label(".resume", this.file ? (failed ? "Try again" : "Resume") : "Choose file");
    this.#label(".cancel", "Cancel");
    if (hadFocus) (stopped ? resume : pause.hidden ? this.#part(".cancel") : pause).focus();
  }

  #setFinal() {
    this.#part(".resume").hidden = true;
    this.#label(".cancel", "Remove");
  }

  /** @param {string} text */
  #say(text) {
    this.#part(".state").textContent = text;
  }

  /**
   * @param {string} selector
   * @param {string} label
   */
  #label(selector, label) {
    const button = this.#part(selector);
    button.textContent = label;
    button.setAttribute("aria-label", `${label}: ${this.#path}`);
  }

  /** @param {string} selector */
  #part(selector) {
    return /** @type {HTMLElement} */ (this.element.querySelector(selector));
  }
}
