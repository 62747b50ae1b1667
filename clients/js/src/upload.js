/** @import { Api, SignedUrl } from "./api.js" */
/** @import { Slots } from "./retry.js" */
/** @import { UnfinishedUpload, UnfinishedUploads, UploadState } from "./unfinished.js" */
import { base64, fingerprint, hex, md5, sha256Base64 } from "./digest.js";
import { aborted, codeOf, PAUSE } from "./errors.js";
import { isGone, ParParts } from "./par_parts.js";
import { persistently } from "./retry.js";
import { S3Parts } from "./s3_parts.js";

/**
 * @typedef {object} Progress
 * @property {number} loaded  Bytes sent.
 * @property {number} total  Bytes of the file.
 * @property {boolean} waiting  Whether the upload waits to try again, as the connection or a server failed.
 *
 * @typedef {object} UploadOptions
 * @property {(progress: Progress) => void} [onProgress]
 * @property {AbortSignal} [signal]  Cancels the upload; with `PAUSE` as its reason, the sent parts are kept.
 * @property {string} [contentType]  Media type of the object; by default the file's own.
 * @property {Record<string, string>} [metadata]  Names and values that are stored with the object.
 * @property {boolean} [integrity]  Send a digest with each part, so that the store refuses a part that arrives damaged.
 *
 * @typedef {{ number: number, body: Blob, onProgress: (bytes: number) => void }} Part
 *
 * @typedef {object} UploadJob  What the parts of an upload need to know of it.
 * @property {Api} api
 * @property {File} file
 * @property {string} key
 * @property {{ key: string, content_type: string, metadata?: Record<string, string> }} description
 * @property {boolean} integrity
 * @property {AbortSignal} signal
 * @property {(number: number) => Blob} slice
 * @property {() => { signal: AbortSignal, onWait: () => void }} retrying
 */

/** A file of this size or more is sent in parts. */
export const MULTIPART_FROM_BYTES = 16 * 2 ** 20;
/** How many transfers one client has under way; browsers open six connections to one host. */
export const TRANSFERS_AT_ONCE = 4;

const FINAL = ["canceled", "limit_exceeded", "PreconditionFailed", "IfNoneMatchFailed"];

/** One upload under way. */
export class Upload {
  /** @type {UploadJob} */
  #job;
  #slots;
  #unfinished;
  #onProgress;
  #stop = new AbortController();
  /** @type {string | null} */
  #user = null;
  /** What an upload in parts is remembered by. @type {UnfinishedUpload | null} */
  #self = null;
  /** @type {S3Parts | ParParts | null} */
  #parts = null;
  /** @type {number[]} */
  #toSend = [];
  /** ETags of the parts that the store has; null where the page could not read it. @type {Map<number, string | null>} */
  #sent = new Map();
  /** Bytes sent of each part; the whole file is part 0 if it has no parts. @type {Map<number, number>} */
  #loaded = new Map();
  #loadedBytes = 0;

  /**
   * @param {object} context
   * @param {Api} context.api
   * @param {Slots} context.slots
   * @param {UnfinishedUploads} context.unfinished
   * @param {File} file
   * @param {string} key
   * @param {UploadOptions} options
   */
  constructor({ api, slots, unfinished }, file, key, options) {
    const { onProgress = () => {}, signal, contentType, metadata, integrity = false } = options;
    this.#slots = slots;
    this.#unfinished = unfinished;
    this.#onProgress = onProgress;
    this.#job = {
      api,
      file,
      key,
      integrity,
      description: { key, content_type: contentType ?? (file.type || "application/octet-stream"), metadata },
      signal: signal ? AbortSignal.any([signal, this.#stop.signal]) : this.#stop.signal,
      slice: (number) => this.#slice(number),
      retrying: () => ({ signal: this.#job.signal, onWait: () => this.#wait() }),
    };
  }

  async run() {
    const { signal, file, api } = this.#job;
    try {
      if (signal.aborted) throw aborted(signal);
      await (file.size < MULTIPART_FROM_BYTES ? this.#put() : this.#multipart());
      this.#onProgress({ loaded: file.size, total: file.size, waiting: false });
    } catch (error) {
      const state = this.#recall();
      if (state && FINAL.includes(codeOf(error))) {
        this.#forget();
        await abortUpload(api, state).catch(() => {});
      }
      throw error;
    }
  }

  async #put() {
    const { signal, file } = this.#job;
    let attempts = 0;
    const onProgress = (/** @type {number} */ bytes) => this.#report(0, bytes);
    const options = { signal, body: file, onProgress, onWait: () => ++attempts && this.#wait(0) };
    const sign = await this.#signWhole(this.#job);
    try {
      await this.#slots.run(signal, () => this.#job.api.request(sign, options));
    } catch (error) {
      // An earlier attempt may have succeeded, with its answer lost. Then the object in the way is this file.
      if (codeOf(error) !== "PreconditionFailed" || !attempts || !(await this.#isStored())) throw error;
    }
  }

  /**
   * How to get a URL for an upload in one request.
   *
   * @param {{ integrity: boolean }} wanted
   */
  async #signWhole({ integrity }) {
    const { api, file, description } = this.#job;
    const checksum = integrity && api.via !== "par" ? { checksum_sha256: await sha256Base64(file) } : {};
    const bound = { content_length: file.size, ...checksum };
    return async (/** @type {AbortSignal | undefined} */ signal) => {
      const url = await api.signPut({ operation: "put_object", ...description }, bound, signal);
      if (integrity && url.via === "par") url.headers = { ...url.headers, "Content-MD5": base64(await md5(file)) };
      return url;
    };
  }

  async #multipart() {
    const { api, file, key } = this.#job;
    const { name, size, lastModified } = file;
    this.#user = await api.user();
    this.#self = { key, name, size, lastModified, digest: await fingerprint(file) };
    const state = this.#recall();
    if (state) {
      try {
        if (await this.#resume(state)) return;
      } catch (error) {
        if (!(this.#parts instanceof ParParts) || !isGone(error)) throw error;
        this.#restart();
      }
    }
    if (!this.#parts) await this.#begin();
    await this.#sendAll();
    await this.#complete();
  }

  async #begin() {
    const whole = await this.#whole();
    const parts = whole?.via === "par" ? new ParParts(this.#job, whole) : new S3Parts(this.#job);
    await parts.begin();
    this.#parts = parts;
    this.#remember();
  }

  /** A URL for the whole file: a PAR serves for its parts too. Of a presigned URL only the refusal matters, as it names the policy's limit. */
  async #whole() {
    const sign = await this.#signWhole({ integrity: false });
    try {
      return await persistently(() => sign(this.#job.signal), this.#job.retrying());
    } catch (error) {
      if (codeOf(error) === "access_denied") return null; // the policy may allow parts only
      throw error;
    }
  }

  /**
   * Go on with an upload that was begun before.
   *
   * @param {UploadState} state
   * @returns {Promise<boolean>}  Whether nothing is left to do.
   */
  async #resume(state) {
    const parts = state.accessUrl ? new ParParts(this.#job, null) : new S3Parts(this.#job);
    this.#parts = parts;
    const sent = await parts.resume(state);
    if (!sent) {
      const isStored = Boolean(state.completing) && (await this.#isStored());
      this.#restart();
      return isStored;
    }
    this.#sent = sent;
    for (const number of sent.keys()) this.#report(number, this.#slice(number).size);
    if (parts instanceof S3Parts) return false;
    // Whether the store still has an upload by a PAR shows when it is used.
    const [first] = this.#missing();
    if (first) await this.#sendPart(first);
    else await this.#complete(state.completing);
    return !first;
  }

  /** Forget the upload that was begun before. */
  #restart() {
    this.#forget();
    this.#parts = null;
    this.#sent.clear();
    this.#loaded.clear();
    this.#loadedBytes = 0;
  }

  async #sendAll() {
    this.#toSend = this.#missing();
    if (this.#toSend.length) await this.#parts?.prepare(this.#toSend);
    const senders = Array.from({ length: TRANSFERS_AT_ONCE }, () => this.#sendParts());
    try {
      await Promise.all(senders);
    } catch (error) {
      this.#stop.abort(PAUSE);
      await Promise.allSettled(senders);
      throw error;
    }
  }

  /** The numbers of the parts that the store lacks. The last one comes first: it is refused if the file is too long. */
  #missing() {
    const { file } = this.#job;
    const count = Math.ceil(file.size / (this.#parts?.partBytes ?? file.size));
    const order = [count, ...Array.from({ length: count - 1 }, (_, index) => index + 1)];
    return order.filter((number) => !this.#sent.has(number));
  }

  async #sendParts() {
    for (let number; (number = this.#toSend.shift()); ) {
      const part = number;
      await this.#slots.run(this.#job.signal, () => this.#sendPart(part));
    }
  }

  /** @param {number} number */
  async #sendPart(number) {
    const { signal } = this.#job;
    const parts = /** @type {S3Parts | ParParts} */ (this.#parts);
    const body = this.#slice(number);
    const part = { number, body, onProgress: (/** @type {number} */ bytes) => this.#report(number, bytes) };
    const attempt = () => parts.send(part, this.#toSend);
    this.#sent.set(number, await persistently(attempt, { signal, onWait: () => this.#wait(number) }));
    this.#report(number, body.size);
    if (parts instanceof ParParts) this.#remember();
  }

  /** @param {boolean} [again]  Whether the store was asked to complete the upload before. */
  async #complete(again = false) {
    this.#remember({ completing: true });
    let attempts = Number(again);
    try {
      await this.#parts?.complete(this.#sent, () => ++attempts && this.#wait());
    } catch (error) {
      // An earlier attempt may have succeeded, with its answer lost. Then the store has this file.
      const known = isGone(error) || ["NoSuchUpload", "PreconditionFailed"].includes(codeOf(error));
      if (!known || !attempts || !(await this.#isStored())) throw error;
    }
    this.#forget();
  }

  /** Whether the object in the store is this file, as its ETag or its MD5 proves. */
  async #isStored() {
    const { api, key, signal, file } = this.#job;
    try {
      const { header } = await api.request({ operation: "head_object", key }, { signal });
      if (Number(header("Content-Length")) !== file.size) return false;
      const digests = this.#parts ? await this.#partDigests() : [await md5(file)];
      const digest = this.#parts ? await md5(new Blob(digests)) : digests[0];
      const count = this.#parts ? `-${digests.length}` : "";
      if (header("ETag")?.replaceAll('"', "") === hex(digest) + count) return true;
      return header("opc-multipart-md5") === base64(digest) + count;
    } catch (error) {
      if (codeOf(error) === "canceled" || codeOf(error) === "paused") throw error;
      return false; // as the user may not read, or there is no object
    }
  }

  async #partDigests() {
    const { file } = this.#job;
    const count = Math.ceil(file.size / (this.#parts?.partBytes ?? file.size));
    const digests = [];
    for (let number = 1; number <= count; number++) digests.push(await md5(this.#slice(number)));
    return digests;
  }

  #recall() {
    return this.#self && this.#unfinished.find(this.#user, this.#self);
  }

  /** @param {{ completing?: boolean }} [more] */
  #remember(more) {
    if (this.#self) this.#unfinished.remember(this.#user, { ...this.#self, ...this.#parts?.progressed, ...more });
  }

  #forget() {
    if (this.#self) this.#unfinished.forget(this.#user, this.#self);
  }

  /** @param {number} number */
  #slice(number) {
    const { file } = this.#job;
    const size = this.#parts?.partBytes ?? file.size;
    return file.slice((number - 1) * size, number * size);
  }

  /** @param {number} [number]  The part that must be sent again from its beginning. */
  #wait(number) {
    this.#report(number, 0, true);
  }

  /**
   * @param {number} [number]  The part of which `bytes` are sent.
   * @param {number} [bytes]
   * @param {boolean} [waiting]
   */
  #report(number, bytes = 0, waiting = false) {
    if (number !== undefined) {
      this.#loadedBytes += bytes - (this.#loaded.get(number) ?? 0);
      this.#loaded.set(number, bytes);
    }
    this.#onProgress({ loaded: this.#loadedBytes, total: this.#job.file.size, waiting });
  }
}

/**
 * Let the store drop the parts of an upload.
 *
 * @param {Api} api
 * @param {UploadState} state
 */
export async function abortUpload(api, state) {
  await (state.accessUrl ? ParParts.abort(state) : S3Parts.abort(api, state));
}
