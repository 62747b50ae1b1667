/**
 * Downloads and uploads of files of any size, from a browser, through presigned URLs.
 *
 *     const files = new PresignClient({ endpoint: "https://…/v1/presign", getToken: () => token });
 *     await files.upload(file, `inbox/${file.name}`, { onProgress: ({ loaded, total }) => show(loaded / total) });
 *     await files.download(`inbox/${file.name}`);
 *
 * A large file goes up in parts. What was sent is kept when the connection or the page goes away, and the same `upload`
 * again goes on from there. All that fails is a `PresignError`.
 *
 * @typedef {{ pointer: string, detail: string }} FieldError  One fault of a request, as the API tells it.
 *
 * @typedef {object} Progress
 * @property {number} loaded  Bytes sent.
 * @property {number} total  Bytes of the file.
 * @property {boolean} waiting  Whether it waits to try again, as the connection or a server failed.
 *
 * @typedef {object} UploadOptions
 * @property {(progress: Progress) => void} [onProgress]
 * @property {AbortSignal} [signal]  Cancels the upload; with `PAUSE` as its reason, keeps what was sent.
 * @property {string} [contentType]  Media type of the object; the file's own by default.
 * @property {Record<string, string>} [metadata]  Names and values to be kept with the object.
 *
 * @typedef {{ key: string, name: string, size: number, lastModified: number }} UnfinishedUpload
 * @typedef {UnfinishedUpload & { uploadId: string, completing?: boolean }} UploadState
 * @typedef {{ url: string, method: string, headers: Record<string, string>, staleAt: number }} SignedUrl
 * @typedef {{ operation: string, key: string } & Record<string, unknown>} UrlRequest
 *
 * @typedef {object} RetryOptions
 * @property {AbortSignal} [signal]
 * @property {() => void} [onWait]  Called when an attempt has failed and another will follow.
 *
 * @typedef {object} TransferOptions
 * @property {AbortSignal} [signal]
 * @property {(bytes: number) => void} [onProgress]  Told how many bytes have gone.
 * @property {number} [stallMs]  After so long without progress the connection counts as lost.
 */

/** Where it is kept how to go on with an upload: for good, or as long as the page if the browser keeps nothing. */
const storage = browserStorage() ?? Object.create(null);

/** A file of this size or more is sent in parts. */
export const MULTIPART_FROM_BYTES = 16 * 2 ** 20;
/** S3's limits of a multipart upload: the smallest part, but for the last one, and the most parts. */
export const MIN_PART_BYTES = 5 * 2 ** 20;
export const MAX_PARTS = 10_000;

/** The reason to abort an upload's signal with in order to go on later: `controller.abort(PAUSE)`. */
export const PAUSE = Symbol("pause");

const TRANSFERS_AT_ONCE = 4; // of one client; browsers open six connections to one host
const URLS_AT_ONCE = 20;
const RETRY_PAUSES_MS = [500, 1000, 2000, 4000, 8000, 15_000, 30_000, 30_000];
const REFUSALS_IN_A_ROW = 3;
const STALL_MS = 60_000;
const COMPLETION_MS = 600_000; // S3 may take minutes to join thousands of parts
const SENT_BY_THE_BROWSER = new Set(["host", "content-length"]); // and so forbidden to set

/** Whatever goes wrong. */
export class PresignError extends Error {
  /**
   * @param {string} message  A sentence for the person who waits.
   * @param {object} facts
   * @param {string} facts.code  The API's name of the problem (`limit_exceeded`, …), the store's name of its error
   *   (`NoSuchKey`, …), or `network`, `paused`, `canceled`, `incomplete`, `no_token`.
   * @param {number} [facts.status]  HTTP status; 0 if there was no answer.
   * @param {FieldError[]} [facts.errors]  The fields at fault, where the API names any.
   * @param {number} [facts.retryAfterMs]  How long the API asks to wait.
   * @param {boolean} [facts.fromStore]  Whether the store answered so, and not the API.
   * @param {unknown} [facts.cause]
   */
  constructor(message, { code, status = 0, errors = [], retryAfterMs = 0, fromStore = false, cause }) {
    super(message, { cause });
    this.name = "PresignError";
    this.code = code;
    this.status = status;
    this.errors = errors;
    this.retryAfterMs = retryAfterMs;
    this.fromStore = fromStore;
  }
}

/** Moves files between the browser and the store that the API at `endpoint` gives URLs for. */
export class PresignClient {
  #endpoint;
  #getToken;
  #bucket;
  #prefix;
  #slots = new Slots(TRANSFERS_AT_ONCE);

  /**
   * @param {object} options
   * @param {string} options.endpoint  URL of the API, such as `https://…/v1/presign`.
   * @param {(need: { refresh: boolean }) => string | Promise<string>} [options.getToken]  Gives the caller's token.
   *   It is called before each request, and once more with `refresh` when the token was refused.
   * @param {string} [options.bucket]  The API's default bucket if left out.
   */
  constructor({ endpoint, getToken, bucket }) {
    this.#endpoint = endpoint.replace(/\/+$/, "");
    this.#getToken = getToken;
    this.#bucket = bucket;
    this.#prefix = `presign ${this.#endpoint} ${bucket ?? ""} `;
  }

  /**
   * A URL that shows the object or, with a name to save it under, downloads it. It is as good as a password while it
   * lasts, so ask for one when it is needed.
   *
   * @param {string} key
   * @param {{ saveAs?: string, signal?: AbortSignal }} [options]
   * @returns {Promise<string>}
   */
  async link(key, { saveAs, signal } = {}) {
    const request = { operation: "get_object", key, download_as: saveAs };
    return (await persistently(() => this.#sign(request, signal), { signal })).url;
  }

  /**
   * Let the browser download the object.
   *
   * @param {string} key
   * @param {{ saveAs?: string }} [options]  The name to save it under: by default the key's last part.
   */
  async download(key, { saveAs = key.split("/").at(-1) || key } = {}) {
    const anchor = document.createElement("a");
    anchor.href = await this.link(key, { saveAs });
    anchor.click();
  }

  /**
   * The bytes of the object, or null if there is none.
   *
   * @param {string} key
   * @param {AbortSignal} [signal]
   * @returns {Promise<number | null>}
   */
  async size(key, signal) {
    try {
      const answer = await this.request({ operation: "head_object", key }, { signal });
      return Number(answer.getResponseHeader("Content-Length"));
    } catch (error) {
      if (error instanceof PresignError && error.fromStore && error.status === 404) return null;
      throw error;
    }
  }

  /**
   * Store `file` under `key`. A refusal by the policy comes before a byte is sent.
   *
   * @param {File} file
   * @param {string} key
   * @param {UploadOptions} [options]
   */
  async upload(file, key, options = {}) {
    await new Upload(this, file, key, options).run();
  }

  /**
   * The uploads that were begun in this browser and not ended: paused ones, and those whose page went away.
   * `upload` with the same file and key goes on with one. Kept of each is what is here, and its upload id.
   *
   * @returns {UnfinishedUpload[]}
   */
  unfinished() {
    const names = Object.keys(storage).filter((name) => name.startsWith(this.#prefix));
    return names.map((name) => JSON.parse(storage[name]));
  }

  /**
   * Give up an unfinished upload, and let the store drop what it has of it.
   *
   * @param {{ size: number, lastModified: number }} file
   * @param {string} key
   */
  async discard(file, key) {
    const state = this.recall(file, key);
    if (!state) return;
    this.remember(file, key, null);
    try {
      await this.request({ operation: "abort_multipart_upload", key, upload_id: state.uploadId });
    } catch (error) {
      if (!(error instanceof PresignError && error.code === "NoSuchUpload")) throw error;
    }
  }

  /**
   * Ask for URLs, all in one call.
   *
   * @package
   * @param {UrlRequest[]} requests
   * @param {AbortSignal} [signal]
   * @returns {Promise<(SignedUrl | PresignError)[]>}
   */
  async signAll(requests, signal) {
    const askedAt = Date.now();
    const body = { requests: requests.map((request) => ({ bucket: this.#bucket, ...request })) };
    const { results } = await this.#ask("/batch", body, signal);
    return results.map((/** @type {any} */ result) =>
      result.problem ? problem(result.problem, result.problem.status) : signedUrl(result, askedAt),
    );
  }

  /**
   * Ask for a URL and use it, and do both again while what fails may pass.
   *
   * @package
   * @param {UrlRequest} request
   * @param {TransferOptions & RetryOptions & { body?: Blob | string }} [options]
   * @returns {Promise<XMLHttpRequest>}
   */
  request(request, { body, onWait, ...options } = {}) {
    const attempt = async () => transfer(await this.#sign(request, options.signal), body ?? null, options);
    return persistently(attempt, { signal: options.signal, onWait });
  }

  /**
   * Run `action` when fewer transfers than are good for a browser are under way.
   *
   * @package
   * @template T
   * @param {AbortSignal} signal
   * @param {() => Promise<T>} action
   * @returns {Promise<T>}
   */
  inSlot(signal, action) {
    return this.#slots.run(signal, action);
  }

  /**
   * @package
   * @param {{ size: number, lastModified: number }} file
   * @param {string} key
   * @returns {UploadState | null}
   */
  recall(file, key) {
    return JSON.parse(storage[this.#stateName(file, key)] ?? "null");
  }

  /**
   * @package
   * @param {{ size: number, lastModified: number }} file
   * @param {string} key
   * @param {UploadState | null} state
   */
  remember(file, key, state) {
    const name = this.#stateName(file, key);
    if (state) storage[name] = JSON.stringify(state);
    else delete storage[name];
  }

  /**
   * @param {{ size: number, lastModified: number }} file
   * @param {string} key
   */
  #stateName({ size, lastModified }, key) {
    return `${this.#prefix}${size} ${lastModified} ${key}`;
  }

  /**
   * @param {UrlRequest} request
   * @param {AbortSignal} [signal]
   * @returns {Promise<SignedUrl>}
   */
  async #sign(request, signal) {
    const askedAt = Date.now();
    return signedUrl(await this.#ask("", { bucket: this.#bucket, ...request }, signal), askedAt);
  }

  /**
   * @param {string} path
   * @param {object} body
   * @param {AbortSignal} [signal]
   * @param {boolean} [refresh]
   * @returns {Promise<any>}
   */
  async #ask(path, body, signal, refresh = false) {
    const time = AbortSignal.timeout(STALL_MS);
    let token, response, answer;
    try {
      token = await this.#getToken?.({ refresh });
    } catch (cause) {
      throw new PresignError("The sign-in failed.", { code: "no_token", cause });
    }
    try {
      response = await fetch(this.#endpoint + path, {
        method: "POST",
        headers: { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) },
        body: JSON.stringify(body),
        signal: signal ? AbortSignal.any([signal, time]) : time,
      });
      answer = jsonOrNull(await response.text());
    } catch (cause) {
      throw new PresignError("The connection to the server failed.", { code: "network", cause });
    }
    if (response.status === 401 && this.#getToken && !refresh) return this.#ask(path, body, signal, true);
    if (response.ok && answer) return answer;
    throw problem(answer ?? {}, response.status, Number(response.headers.get("Retry-After")) * 1000 || 0);
  }
}

/** One upload on its way. */
class Upload {
  #client;
  #file;
  #key;
  #description;
  #onProgress;
  #partBytes;
  /** Aborted by the caller, or by us when a part has failed for good. */
  #signal;
  #stop = new AbortController();
  #uploadId = "";
  /** @type {number[]} */
  #toSend = [];
  /** What is asked for already. @type {Map<number, Promise<SignedUrl>>} */
  #urls = new Map();
  /** ETags of the parts that are there; null where the browser was not shown it. @type {Map<number, string | null>} */
  #sent = new Map();
  /** Bytes of each part that have gone; the whole file is part 0 if there are no parts. @type {Map<number, number>} */
  #loaded = new Map();
  #loadedBytes = 0;

  /**
   * @param {PresignClient} client
   * @param {File} file
   * @param {string} key
   * @param {UploadOptions} options
   */
  constructor(client, file, key, { onProgress = () => {}, signal, contentType, metadata }) {
    this.#client = client;
    this.#file = file;
    this.#key = key;
    this.#description = { key, content_type: contentType ?? (file.type || "application/octet-stream"), metadata };
    this.#onProgress = onProgress;
    this.#partBytes = Math.max(MIN_PART_BYTES, Math.ceil(file.size / MAX_PARTS));
    this.#signal = signal ? AbortSignal.any([signal, this.#stop.signal]) : this.#stop.signal;
  }

  async run() {
    try {
      if (this.#signal.aborted) throw aborted(this.#signal);
      await (this.#file.size < MULTIPART_FROM_BYTES ? this.#put() : this.#multipart());
      this.#onProgress({ loaded: this.#file.size, total: this.#file.size, waiting: false });
    } catch (error) {
      if (["canceled", "limit_exceeded", "PreconditionFailed"].includes(codeOf(error))) {
        await this.#client.discard(this.#file, this.#key).catch(() => {});
      }
      throw error;
    }
  }

  async #put() {
    let attempts = 0;
    const request = { operation: "put_object", ...this.#description, content_length: this.#file.size };
    const onProgress = (/** @type {number} */ bytes) => this.#report(0, bytes);
    const options = { signal: this.#signal, body: this.#file, onProgress, onWait: () => ++attempts && this.#wait(0) };
    try {
      await this.#client.inSlot(this.#signal, () => this.#client.request(request, options));
    } catch (error) {
      // The answer to an earlier attempt was lost, perhaps; then the object in the way is this one.
      if (codeOf(error) !== "PreconditionFailed" || !attempts || !(await this.#isThere())) throw error;
    }
  }

  async #multipart() {
    const state = this.#client.recall(this.#file, this.#key);
    if (state && (await this.#resume(state))) return;
    if (!this.#uploadId) await this.#begin();
    const count = Math.ceil(this.#file.size / this.#partBytes);
    // The last part goes first: its URL is refused if the file is longer than the policy allows.
    const order = [count, ...Array.from({ length: count - 1 }, (_, index) => index + 1)];
    this.#toSend = order.filter((number) => !this.#sent.has(number));
    if (this.#toSend.length) await persistently(() => this.#partUrl(this.#toSend[0]), this.#retrying()).catch(tooLarge);
    const senders = Array.from({ length: TRANSFERS_AT_ONCE }, () => this.#sendParts());
    try {
      await Promise.all(senders);
    } catch (error) {
      this.#stop.abort(PAUSE);
      await Promise.allSettled(senders);
      throw error;
    }
    await this.#complete();
  }

  async #begin() {
    // Of the URL for a PUT of the whole nothing but the refusal is used: it names the policy's limit.
    const whole = { operation: "put_object", ...this.#description, content_length: this.#file.size };
    const [refusal] = await persistently(() => this.#client.signAll([whole], this.#signal), this.#retrying());
    if (codeOf(refusal) === "limit_exceeded") throw refusal;
    const answer = await this.#client.request(
      { operation: "create_multipart_upload", ...this.#description },
      this.#retrying(),
    );
    this.#uploadId = element(answer, "UploadId");
    this.#remember({});
  }

  /**
   * Find out what the store has of an upload that was begun before.
   *
   * @param {UploadState} state
   * @returns {Promise<boolean>} Whether there is nothing left to do.
   */
  async #resume(state) {
    this.#uploadId = state.uploadId;
    try {
      this.#sent = await this.#listParts();
      for (const number of this.#sent.keys()) this.#report(number, this.#slice(number).size);
      return false;
    } catch (error) {
      if (codeOf(error) !== "NoSuchUpload") throw error;
    }
    this.#uploadId = "";
    this.#client.remember(this.#file, this.#key, null);
    return Boolean(state.completing) && this.#isThere();
  }

  /** @param {{ completing?: boolean }} more */
  #remember(more) {
    const { name, size, lastModified } = this.#file;
    const state = { key: this.#key, name, size, lastModified, uploadId: this.#uploadId, ...more };
    this.#client.remember(this.#file, this.#key, state);
  }

  async #sendParts() {
    for (let number; (number = this.#toSend.shift()); ) {
      const part = number;
      await this.#client.inSlot(this.#signal, () => this.#sendPart(part));
    }
  }

  /** @param {number} number */
  async #sendPart(number) {
    const body = this.#slice(number);
    const attempt = async () => {
      const url = await this.#partUrl(number);
      this.#urls.delete(number);
      return transfer(url, body, { signal: this.#signal, onProgress: (bytes) => this.#report(number, bytes) });
    };
    const answer = await persistently(attempt, { signal: this.#signal, onWait: () => this.#wait(number) });
    this.#sent.set(number, answer.getResponseHeader("ETag"));
    this.#report(number, body.size);
  }

  /**
   * A URL for a part: one that was fetched before and still serves, or a new one, and then those of the next parts too.
   *
   * @param {number} number
   * @returns {Promise<SignedUrl>}
   */
  async #partUrl(number) {
    const held = await this.#urls.get(number);
    if (held && Date.now() < held.staleAt) return held;
    if (held) this.#urls.clear(); // the others are as old
    const next = this.#toSend.filter((other) => other !== number && !this.#urls.has(other));
    const numbers = [number, ...next.slice(0, URLS_AT_ONCE - 1)];
    const answers = this.#client.signAll(numbers.map(this.#partRequest), this.#signal);
    numbers.forEach((other, index) => {
      const url = answers.then((all) => (all[index] instanceof PresignError ? Promise.reject(all[index]) : all[index]));
      this.#urls.set(other, url);
      url.catch(() => this.#urls.delete(other));
    });
    return /** @type {Promise<SignedUrl>} */ (this.#urls.get(number));
  }

  /** @param {number} number */
  #partRequest = (number) => ({
    operation: "upload_part",
    key: this.#key,
    upload_id: this.#uploadId,
    part_number: number,
    content_length: this.#slice(number).size,
  });

  /** @param {number} number */
  #slice(number) {
    return this.#file.slice((number - 1) * this.#partBytes, number * this.#partBytes);
  }

  /** The parts that the store has, those that are not as long as ours left out. */
  async #listParts() {
    const found = new Map();
    for (/** @type {number | undefined} */ let marker; ; ) {
      const list = { operation: "list_parts", key: this.#key, upload_id: this.#uploadId, part_number_marker: marker };
      const answer = await this.#client.request(list, this.#retrying());
      for (const part of xml(answer).querySelectorAll("Part")) {
        const text = (/** @type {string} */ name) => part.querySelector(name)?.textContent ?? "";
        const number = Number(text("PartNumber"));
        if (Number(text("Size")) === this.#slice(number).size) found.set(number, text("ETag"));
      }
      const next = Number(element(answer, "NextPartNumberMarker"));
      if (element(answer, "IsTruncated") !== "true" || !(next > (marker ?? 0))) return found;
      marker = next;
    }
  }

  async #complete() {
    let etags = this.#sent;
    if ([...etags.values()].includes(null)) etags = await this.#listParts();
    if (etags.size < this.#sent.size) throw new PresignError("The storage has lost a part.", { code: "incomplete" });
    const parts = [...etags].sort(([one], [other]) => one - other).map(partXml);
    const body = `<CompleteMultipartUpload xmlns="${S3_NAMESPACE}">${parts.join("")}</CompleteMultipartUpload>`;
    const request = { operation: "complete_multipart_upload", key: this.#key, upload_id: this.#uploadId };
    this.#remember({ completing: true });
    let attempts = 0;
    const onWait = () => ++attempts && this.#wait();
    try {
      await this.#client.request(request, { signal: this.#signal, onWait, body, stallMs: COMPLETION_MS });
    } catch (error) {
      // The answer to an earlier attempt was lost, perhaps; then the upload has been completed by that.
      const known = ["NoSuchUpload", "PreconditionFailed"].includes(codeOf(error));
      if (!known || !attempts || !(await this.#isThere())) throw error;
    }
    this.#client.remember(this.#file, this.#key, null);
  }

  /** Whether the store has an object of our name and size; as far as we may know. */
  async #isThere() {
    return (await this.#client.size(this.#key, this.#signal).catch(() => null)) === this.#file.size;
  }

  #retrying() {
    return { signal: this.#signal, onWait: () => this.#wait() };
  }

  /** @param {number} [number]  The part of which nothing counts as sent any more. */
  #wait(number) {
    this.#report(number, 0, true);
  }

  /**
   * @param {number} [number]  The part of which now `bytes` have gone.
   * @param {number} [bytes]
   * @param {boolean} [waiting]
   */
  #report(number, bytes = 0, waiting = false) {
    if (number !== undefined) {
      this.#loadedBytes += bytes - (this.#loaded.get(number) ?? 0);
      this.#loaded.set(number, bytes);
    }
    this.#onProgress({ loaded: this.#loadedBytes, total: this.#file.size, waiting });
  }
}

/** Lets so many actions run at once, and the others wait for their turn. */
class Slots {
  /** @type {(() => void)[]} */
  #waiting = [];
  #free;

  /** @param {number} count */
  constructor(count) {
    this.#free = count;
  }

  /**
   * @template T
   * @param {AbortSignal} signal
   * @param {() => Promise<T>} action
   * @returns {Promise<T>}
   */
  async run(signal, action) {
    if (this.#free > 0) this.#free--;
    else await this.#turn(signal);
    try {
      if (signal.aborted) throw aborted(signal);
      return await action();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }

  /** @param {AbortSignal} signal */
  #turn(signal) {
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        this.#waiting.splice(this.#waiting.indexOf(take), 1);
        reject(aborted(signal));
      };
      const take = () => {
        signal.removeEventListener("abort", giveUp);
        resolve(undefined);
      };
      this.#waiting.push(take);
      signal.addEventListener("abort", giveUp);
    });
  }
}

/**
 * Do `attempt` until it succeeds, with growing pauses after failures that may pass. After a 403 of the store it is done
 * again at once, as then its URL has expired, most likely.
 *
 * @template T
 * @param {() => Promise<T>} attempt
 * @param {RetryOptions} options
 * @returns {Promise<T>}
 */
async function persistently(attempt, { signal, onWait = () => {} }) {
  for (let failures = 0, refusals = 0; ; ) {
    if (signal?.aborted) throw aborted(signal);
    try {
      return await attempt();
    } catch (error) {
      if (signal?.aborted) throw aborted(signal);
      if (!(error instanceof PresignError)) throw error;
      if (error.fromStore && error.status === 403) {
        if (++refusals === REFUSALS_IN_A_ROW) throw error;
        continue;
      }
      refusals = 0;
      if (!mayPass(error) || failures === RETRY_PAUSES_MS.length) throw error;
      onWait();
      await pause(Math.max(RETRY_PAUSES_MS[failures++], error.retryAfterMs), signal);
    }
  }
}

/** @param {PresignError} error */
function mayPass({ status, fromStore }) {
  return [0, 408, 429, 502, 503, 504].includes(status) || (fromStore && status >= 500);
}

/**
 * Wait so long, and then for the browser to be online. The moment when it comes back online ends the wait.
 *
 * @param {number} milliseconds
 * @param {AbortSignal} [signal]  Ends the wait too.
 * @returns {Promise<void>}
 */
function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      removeEventListener("online", end);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(() => navigator.onLine && end(), milliseconds);
    addEventListener("online", end);
    signal?.addEventListener("abort", end);
  });
}

/**
 * Send one request to the store, with XMLHttpRequest, as `fetch` does not tell how far an upload has come.
 *
 * @param {SignedUrl} signed
 * @param {Blob | string | null} body
 * @param {TransferOptions} options
 * @returns {Promise<XMLHttpRequest>}
 */
function transfer({ url, method, headers }, body, { signal, onProgress, stallMs = STALL_MS }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    let stall = setTimeout(abort, stallMs);
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) {
      if (!SENT_BY_THE_BROWSER.has(name.toLowerCase())) request.setRequestHeader(name, value);
    }
    if (onProgress) {
      request.upload.onprogress = ({ loaded }) => {
        clearTimeout(stall);
        stall = setTimeout(abort, stallMs);
        onProgress(loaded);
      };
    }
    request.onloadend = () => {
      clearTimeout(stall);
      signal?.removeEventListener("abort", abort);
      const failure = storeFailure(request);
      if (failure) reject(failure);
      else resolve(request);
    };
    signal?.addEventListener("abort", abort);
    request.send(body);
  });
}

/** @param {XMLHttpRequest} request */
function storeFailure(request) {
  const { status } = request;
  // S3 has sent the status 200 already when the parts turn out not to fit together.
  const isError = xml(request).documentElement.localName === "Error";
  if (status >= 200 && status < 300 && !isError) return null;
  if (status === 0) return new PresignError("The connection to the storage failed.", { code: "network" });
  const code = element(request, "Code") || `http_${status}`;
  const message = STORE_MESSAGES[code] ?? `The storage refused it: ${element(request, "Message") || status}`;
  return new PresignError(message, { code, status: isError && status < 300 ? 500 : status, fromStore: true });
}

/** @type {Record<string, string>} */
const STORE_MESSAGES = {
  NoSuchKey: "There is no such file.",
  PreconditionFailed: "There is already a file of this name.",
};

const S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";

/** @param {[number, string | null]} part */
function partXml([number, etag]) {
  const text = (etag ?? "").replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<Part><PartNumber>${number}</PartNumber><ETag>${text}</ETag></Part>`;
}

/** @param {XMLHttpRequest} answer */
function xml(answer) {
  return new DOMParser().parseFromString(answer.responseText || "<none/>", "application/xml");
}

/**
 * @param {XMLHttpRequest} answer
 * @param {string} name
 */
function element(answer, name) {
  return xml(answer).querySelector(name)?.textContent ?? "";
}

/**
 * @param {any} result  A result of the API.
 * @param {number} askedAt
 * @returns {SignedUrl}
 */
function signedUrl({ url, method, headers, expires_in }, askedAt) {
  // The time is our own from asking to using it, so that it does not matter whether our clock is right.
  return { url, method, headers, staleAt: askedAt + expires_in * 900 };
}

/**
 * @param {any} details  The problem details that the API has answered, or what stands in their place.
 * @param {number} status
 * @param {number} [retryAfterMs]
 */
function problem(details, status, retryAfterMs) {
  const { code = `http_${status}`, detail, message } = details;
  // That a request went in a batch with others is no matter of the caller.
  const errors = (details.errors ?? []).map((/** @type {FieldError} */ error) => ({
    ...error,
    pointer: error.pointer.replace(/^\/requests\/\d+/, ""),
  }));
  const sentence = code === "limit_exceeded" && errors.length ? errors.map(limitSentence).join(" ") : detail ?? message;
  return new PresignError(sentence ?? `The server answered with status ${status}.`, {
    code: String(code),
    status,
    errors,
    retryAfterMs,
  });
}

/**
 * @param {PresignError} error  What the API has said about a part.
 * @returns {never}
 */
function tooLarge(error) {
  throw error.code === "limit_exceeded" ? new PresignError("The file is larger than is allowed.", error) : error;
}

/** @param {FieldError} error */
function limitSentence({ pointer, detail }) {
  if (pointer === "/content_length") return `The file is too large: its size ${detail.replace(/\d+/, inUnits)}.`;
  if (pointer === "/content_type") return `Files of this type are not allowed: the type ${detail}.`;
  return `${pointer.slice(1)} ${detail}.`;
}

/** @param {string} digits */
function inUnits(digits) {
  let size = Number(digits);
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  while (size >= 1024 && units.length > 1) {
    size /= 1024;
    units.shift();
  }
  return `${Math.floor(size * 10) / 10} ${units[0]}`;
}

/**
 * @param {AbortSignal} signal
 * @returns {PresignError}
 */
function aborted({ reason }) {
  return reason === PAUSE
    ? new PresignError("The upload is paused.", { code: "paused" })
    : new PresignError("The upload was canceled.", { code: "canceled", cause: reason });
}

/** @param {string} text */
function jsonOrNull(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** @param {unknown} error */
function codeOf(error) {
  return error instanceof PresignError ? error.code : "";
}

function browserStorage() {
  try {
    localStorage.setItem("presign", "");
    localStorage.removeItem("presign");
    return localStorage;
  } catch {
    return null;
  }
}
