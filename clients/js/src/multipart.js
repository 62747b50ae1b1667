/** @import { Api } from "./api.js" */
/** @import { UnfinishedUpload, UnfinishedUploads, UploadState } from "./unfinished.js" */
/** @import { UploadJob } from "./upload_job.js" */
import { fingerprint } from "./digest.js";
import { codeOf, PAUSE } from "./errors.js";
import { isGone, ParParts } from "./par_parts.js";
import { persistently } from "./retry.js";
import { S3Parts } from "./s3_parts.js";
import { isStored, slice, wholeUrl } from "./upload_job.js";

/** @typedef {{ number: number, body: Blob, onProgress: (bytes: number) => void }} Part */

/** How many transfers one client has under way; browsers open six connections to one host. */
export const TRANSFERS_AT_ONCE = 4;

/** The upload of one file in parts, which can be interrupted and resumed. */
export class MultipartUpload {
  #job;
  #unfinished;
  #user;
  #self;
  #stop = new AbortController();
  /** @type {S3Parts | ParParts | null} */
  #parts = null;
  /** @type {number[]} */
  #toSend = [];
  /** ETags of the parts that the store has; null where a page can't read it. @type {Map<number, string | null>} */
  #sent = new Map();

  /**
   * @param {UploadJob} job
   * @param {UnfinishedUploads} unfinished
   * @param {string | null} user
   * @param {UnfinishedUpload} self  What the upload is remembered by.
   */
  constructor(job, unfinished, user, self) {
    this.#job = { ...job, signal: AbortSignal.any([job.signal, this.#stop.signal]) };
    this.#unfinished = unfinished;
    this.#user = user;
    this.#self = self;
  }

  /**
   * @param {UploadJob} job
   * @param {UnfinishedUploads} unfinished
   */
  static async of(job, unfinished) {
    const { name, size, lastModified } = job.file;
    const digest = await fingerprint(job.file);
    const self = { key: job.key, name, size, lastModified, digest };
    return new MultipartUpload(job, unfinished, await job.api.user(), self);
  }

  async run() {
    const state = this.#recall();
    if (state && (await this.#resume(state))) return;
    if (!this.#parts) await this.#begin();
    await this.#sendAll();
    await this.#complete();
  }

  /** Give the upload up, and let the store drop its parts. */
  async discard() {
    const state = this.#recall();
    if (!state) return;
    this.#forget();
    await abortUpload(this.#job.api, state);
  }

  async #begin() {
    const whole = await this.#whole();
    const parts = whole?.via === "par" ? new ParParts(this.#job, whole) : new S3Parts(this.#job);
    await parts.begin();
    this.#parts = parts;
    this.#remember();
  }

  /**
   * A URL for the whole file. A PAR serves for the parts too; of a presigned URL only the refusal is of use, as it
   * names the policy's limit.
   */
  async #whole() {
    const sign = await wholeUrl(this.#job, { integrity: false });
    try {
      return await persistently(() => sign(this.#job.signal), this.#retrying());
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
    this.#parts = state.accessUrl ? new ParParts(this.#job, null) : new S3Parts(this.#job);
    const sent = await this.#parts.resume(state);
    if (sent) {
      this.#sent = sent;
      for (const number of sent.keys()) this.#job.progress.sent(number, this.#slice(number).size);
      if (this.#parts instanceof S3Parts) return false;
      // Whether the store still has an upload by a PAR only shows when it is used.
      const [first] = this.#missing();
      try {
        await (first ? this.#sendPart(first) : this.#complete());
        return !first;
      } catch (error) {
        if (!isGone(error)) throw error;
      }
    }
    const stored = Boolean(state.completing) && (await isStored(this.#job, this.#parts.partBytes));
    this.#forget();
    this.#parts = null;
    this.#sent.clear();
    this.#job.progress.restart();
    return stored;
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
    const count = Math.ceil(this.#job.file.size / this.#partBytes);
    const order = [count, ...Array.from({ length: count - 1 }, (_, index) => index + 1)];
    return order.filter((number) => !this.#sent.has(number));
  }

  async #sendParts() {
    for (let number; (number = this.#toSend.shift()); ) {
      const part = number;
      await this.#job.slots.run(this.#job.signal, () => this.#sendPart(part));
    }
  }

  /** @param {number} number */
  async #sendPart(number) {
    const { signal, progress } = this.#job;
    const parts = /** @type {S3Parts | ParParts} */ (this.#parts);
    const body = this.#slice(number);
    const part = { number, body, onProgress: (/** @type {number} */ bytes) => progress.sent(number, bytes) };
    const attempt = () => parts.send(part, this.#toSend);
    this.#sent.set(number, await persistently(attempt, { signal, onWait: () => progress.waiting(number) }));
    progress.sent(number, body.size);
    if (parts instanceof ParParts) this.#remember();
  }

  async #complete() {
    this.#remember({ completing: true });
    let attempts = 0;
    const onWait = () => {
      attempts++;
      this.#job.progress.waiting();
    };
    try {
      await this.#parts?.complete(this.#sent, onWait);
    } catch (error) {
      // An earlier attempt may have succeeded, with its answer lost. Then the store has this file.
      const known = isGone(error) || codeOf(error) === "PreconditionFailed";
      if (!known || !attempts || !(await isStored(this.#job, this.#partBytes))) throw error;
    }
    this.#forget();
  }

  get #partBytes() {
    return this.#parts?.partBytes ?? this.#job.file.size;
  }

  /** @param {number} number */
  #slice(number) {
    return slice(this.#job.file, this.#partBytes, number);
  }

  #recall() {
    return this.#unfinished.find(this.#user, this.#self);
  }

  /** @param {{ completing?: boolean }} [more] */
  #remember(more) {
    this.#unfinished.remember(this.#user, { ...this.#self, ...this.#parts?.progressed, ...more });
  }

  #forget() {
    this.#unfinished.forget(this.#user, this.#self);
  }

  #retrying() {
    return { signal: this.#job.signal, onWait: () => this.#job.progress.waiting() };
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
