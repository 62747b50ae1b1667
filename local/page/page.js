import { PAUSE, PresignClient, PresignError } from "./clients/js/src/index.js";

const SPEED_WINDOW_MS = 5000;
const FINAL = ["limit_exceeded", "access_denied", "PreconditionFailed"]; // trying again does not help
const FILES_SHOWN = 500;
const MESSAGES_SHOWN = 5;
const MESSAGE_WAIT_MS = 20_000;
const PICTURE = /\.(avif|gif|jpe?g|png|svg|webp)$/i;

/** @type {Promise<{ prefix: string, token: string, via?: "s3" | "par" }> | undefined} */
let session;

/** @type {PresignClient} */
let client;

/** Resolved when there is a client. */
const ready = connect();

const picker = /** @type {HTMLInputElement} */ (byId("picker"));
const drop = byId("drop");

/** @type {Map<string, UploadCard>} */
const cards = new Map();

/** The last request for the list of files; older answers are not shown. */
let listing = 0;

/** One upload on the page. */
class UploadCard {
  /** @type {File | undefined} */
  file;
  /** @type {AbortController | undefined} */
  #controller;
  /** Resolved when the upload has succeeded or failed. @type {Promise<void> | undefined} */
  #end;
  /** @type {[number, number][]} */
  #samples = [];

  /**
   * @param {string} key
   * @param {File | import("./clients/js/src/index.js").UnfinishedUpload} description
   */
  constructor(key, description) {
    this.key = key;
    this.description = description;
    this.element = fromTemplate("upload-template");
    this.progress = /** @type {HTMLProgressElement} */ (this.#part("progress"));
    this.#part(".name").textContent = description.name;
    this.#part(".size").textContent = inUnits(description.size);
    this.progress.setAttribute("aria-label", `Progress of ${description.name}`);
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
    if (!file) return picker.click();
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
      await client.upload(file, this.key, { onProgress: this.#show.bind(this), signal });
      this.#controller = undefined;
      await this.#finish();
    } catch (error) {
      this.#controller = undefined;
      const { code, message } = error instanceof PresignError ? error : { code: "", message: String(error) };
      if (code === "canceled") return this.#remove(`${this.description.name} was canceled.`);
      this.stop(code === "paused" ? `Paused at ${percent(this.progress.value)}.` : message, code !== "paused");
      if (FINAL.includes(code)) this.#setFinal();
      news(`${this.description.name}: ${code === "paused" ? "paused" : message}`);
    }
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

  /** @param {import("./clients/js/src/index.js").Progress} progress */
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
      await client.discard(this.description, this.key);
      this.#remove(`${this.description.name} was canceled.`);
    } catch (error) {
      this.stop(String(/** @type {Error} */ (error).message), true);
    }
  }

  async #finish() {
    awaitMessage(this.key);
    await showFiles();
    this.#remove(`${this.description.name} is uploaded.`);
  }

  /** @param {string} why */
  #remove(why) {
    const hadFocus = this.element.contains(document.activeElement);
    this.element.remove();
    cards.delete(this.key);
    byId("uploads-section").hidden = cards.size === 0;
    if (hadFocus) byId(cards.size ? "uploads-title" : "files-title").focus();
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
    pause.hidden = stopped;
    resume.hidden = !stopped;
    this.#label(".resume", this.file ? (failed ? "Try again" : "Resume") : "Choose file");
    this.#label(".cancel", "Cancel");
    if (hadFocus) (stopped ? resume : pause).focus();
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
    button.setAttribute("aria-label", `${label}: ${this.description.name}`);
  }

  /** @param {string} selector */
  #part(selector) {
    return /** @type {HTMLElement} */ (this.element.querySelector(selector));
  }
}

/** @param {FileList | null | undefined} files */
async function addFiles(files) {
  const chosen = [...(files ?? [])];
  await ready;
  const { prefix } = await getSession().catch(() => ({ prefix: "" }));
  for (const file of chosen) {
    // The same file has the same key, so that its upload goes on. Another file of this name has another key.
    const key = `${prefix}${file.lastModified.toString(36)}-${file.size.toString(36)}/${file.name}`;
    (cards.get(key) ?? addCard(key, file)).start(file);
  }
}

/**
 * @param {string} key
 * @param {File | import("./clients/js/src/index.js").UnfinishedUpload} description
 */
function addCard(key, description) {
  const card = new UploadCard(key, description);
  cards.set(key, card);
  byId("uploads").append(card.element);
  byId("uploads-section").hidden = false;
  return card;
}

async function showUnfinished() {
  for (const upload of await client.unfinished().catch(() => [])) {
    addCard(upload.key, upload).stop("Unfinished. Choose the same file again to go on.");
  }
}

/** Show the user's files that are in the store. */
async function showFiles() {
  const mine = ++listing;
  const empty = byId("empty");
  try {
    const { prefix } = await getSession();
    const files = [];
    for await (const file of client.list(prefix)) if (files.push(file) === FILES_SHOWN) break;
    if (mine !== listing) return;
    files.sort((one, other) => Number(other.modifiedAt) - Number(one.modifiedAt));
    const focused = byId("files").contains(document.activeElement) ? document.activeElement?.id : "";
    byId("files").replaceChildren(...files.map(fileElement));
    if (focused) document.getElementById(focused)?.focus();
    empty.hidden = files.length > 0 && files.length < FILES_SHOWN;
    empty.textContent = files.length
      ? `These are the first ${FILES_SHOWN} files by name; there may be more.`
      : "No files yet. The files that you upload appear here.";
  } catch (error) {
    if (mine !== listing) return;
    empty.hidden = false;
    empty.textContent = `The list can't be shown: ${/** @type {Error} */ (error).message}`;
  }
}

/** @param {import("./clients/js/src/index.js").ListedObject} file */
function fileElement({ key, size, modifiedAt, url }) {
  const element = fromTemplate("file-template");
  const part = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (element.querySelector(selector));
  const link = /** @type {HTMLAnchorElement} */ (part(".name"));
  const picture = /** @type {HTMLImageElement} */ (part(".picture"));
  const name = key.split("/").at(-1) ?? key;
  part(".size").textContent = inUnits(size);
  part(".state").textContent = `Stored ${modifiedAt?.toLocaleString()}`;
  link.id = `file ${key}`;
  link.textContent = name;
  link.href = url ?? "#";
  // The page may be older than the URL's lifetime, so a click asks for a new one.
  link.addEventListener("click", (event) => {
    event.preventDefault();
    client.download(key, { saveAs: name }).catch(report);
  });
  if (PICTURE.test(name)) showPicture(picture, url ?? client.link(key)).catch(report);
  return element;

  /** @param {Error} error */
  function report({ message }) {
    element.classList.add("failed");
    part(".state").textContent = message;
  }
}

/**
 * @param {HTMLImageElement} picture
 * @param {string | Promise<string>} url
 */
async function showPicture(picture, url) {
  picture.addEventListener("load", () => (picture.hidden = false));
  picture.src = await url;
}

/** @typedef {{ id: string, service: string, time: string, content: any }} Message  Sent by the function. */

/**
 * Show the last messages that the function has sent about files.
 *
 * @returns {Promise<Message[]>}
 */
async function showMessages() {
  /** @type {Message[]} */
  const messages = await fetch("messages").then((answer) => answer.json());
  const shown = messages.filter(({ content }) => content?.event?.key).slice(0, MESSAGES_SHOWN);
  byId("messages").replaceChildren(...shown.map(messageElement));
  byId("messages-section").hidden = shown.length === 0;
  return shown;
}

/** @param {Message} message */
function messageElement({ service, time, content: { event, answer } }) {
  const element = fromTemplate("message-template");
  const part = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (element.querySelector(selector));
  part(".name").textContent = event.key.split("/").at(-1);
  part(".state").textContent = `Sent to the ${service} ${new Date(time).toLocaleString()}`;
  /** @type {HTMLAnchorElement} */ (part(".open")).href = answer.url;
  part(".open").setAttribute("aria-label", `Open: ${event.key}`);
  return element;
}

/**
 * Look for the message about an object for some seconds; there is none where nothing is delivered.
 *
 * @param {string} key
 */
async function awaitMessage(key) {
  const since = Date.now();
  for (const end = since + MESSAGE_WAIT_MS; Date.now() < end; ) {
    const messages = await showMessages().catch(() => []);
    // The event may come before the answer to the upload.
    if (messages.some(({ time, content }) => content.event.key === key && Date.parse(time) > since - 5000)) return;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

async function connect() {
  const { via } = await getSession().catch(() => ({ via: undefined }));
  client = new PresignClient({
    endpoint: new URL("v1/presign", location.href).href,
    getToken: async ({ refresh }) => (await getSession(refresh)).token,
    via,
  });
}

/** @param {boolean} [refresh] */
function getSession(refresh = false) {
  if (refresh) session = undefined;
  session ??= fetch("session").then((answer) => answer.json());
  session.catch(() => (session = undefined));
  return session;
}

/** @param {string} text */
function news(text) {
  byId("news").textContent = text;
}

/** @param {number} share */
function percent(share) {
  return `${Math.floor(share * 100)} %`;
}

/** @param {number} bytes */
function inUnits(bytes) {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let size = bytes;
  while (size >= 1024 && units.length > 1) {
    size /= 1024;
    units.shift();
  }
  return `${size < 10 && units[0] !== "bytes" ? size.toFixed(1) : Math.round(size)} ${units[0]}`;
}

/** @param {number} seconds */
function duration(seconds) {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  if (seconds < 3600) return `${Math.ceil(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.ceil((seconds % 3600) / 60)} min`;
}

/** @param {string} id */
function fromTemplate(id) {
  const template = /** @type {HTMLTemplateElement} */ (byId(id));
  return /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
}

/** @param {string} id */
function byId(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

picker.addEventListener("change", () => {
  addFiles(picker.files);
  picker.value = "";
});
for (const type of ["dragenter", "dragover"]) {
  addEventListener(type, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
for (const type of ["dragleave", "drop"]) addEventListener(type, () => drop.classList.remove("over"));
addEventListener("drop", (event) => {
  event.preventDefault();
  addFiles(event.dataTransfer?.files);
});
addEventListener("beforeunload", (event) => {
  if ([...cards.values()].some((card) => card.isRunning)) event.preventDefault();
});

await ready;
showFiles();
showMessages().catch(() => {}); // a page without messages is complete
showUnfinished();
