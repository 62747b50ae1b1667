/** @import { Api } from "./api.js" */
/** @import { UnfinishedUpload, UnfinishedUploads, UploadState } from "./unfinished.js" */
/** @import { UploadJob } from "./upload_job.js" */
import { fingerprint } from "./digest.js";
import { codeOf, PAUSE } from "./errors.js";
import { isUploadGone, ParParts } from "./par_parts.js";
import { withRetries } from "./retry.js";
import { S3Parts } from "./s3_parts.js";
import { isStored, partOf, putSigner } from "./upload_job.js";

/** How many transfers one client has under way; browsers open six connections to one host. */
export const TRANSFERS_AT_ONCE = 4;

/** The upload of one file in parts, which can be interrupted and resumed. */
export class MultipartUpload {
  #job;
  #unfinished;
  #user;
  #identity;
  #stop = new AbortController();
  /** @type {S3Parts | ParParts | null} */
  #parts = null;
  /** @type {number[]} */
  #pending = [];
  /** ETags of the parts that the store has; null where a page can't read it. @type {Map<number, string | null>} */
  #etags = new Map();

  /**
   * @param {UploadJob} job
   * @param {UnfinishedUploads} unfinished
   * @param {string | null} user
   * @param {UnfinishedUpload} identity  Finds the upload among those that are remembered.
   */
  constructor(job, unfinished, user, identity) {
    this.#job = { ...job, signal: AbortSignal.any([job.signal, this.#stop.signal]) };
    this.#unfinished = unfinished;
    this.#user = user;
    this.#identity = identity;
  }

  /**
   * @param {UploadJob} job
   * @param {UnfinishedUploads} unfinished
   */
  static async of(job, unfinished) {
    const { name, size, lastModified } = job.file;
    const digest = await fingerprint(job.file);
    const identity = { key: job.key, name, size, lastModified, digest };
    return new MultipartUpload(job, unfinished, await job.api.user(), identity);
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
    const url = await this.#objectUrl();
    const parts = url?.via === "par" ? new ParParts(this.#job, url) : new S3Parts(this.#job);
    await parts.begin();
    this.#parts = parts;
    this.#remember();
  }

  /**
   * A URL for the whole file. A PAR serves for the parts too; of a presigned URL only the refusal is of use, as it
   * names the policy's limit.
   */
  async #objectUrl() {
    const sign = await putSigner(this.#job, { integrity: false });
    try {
      return await withRetries(() => sign(this.#job.signal), this.#retrying());
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
      this.#etags = sent;
      for (const number of sent.keys()) this.#job.progress.sent(number, this.#body(number).size);
      if (this.#parts instanceof S3Parts) return false;
      // Whether the store still has an upload by a PAR only shows when it is used.
      const [first] = this.#missing();
      try {
        await (first ? this.#sendPart(first) : this.#complete());
        return !first;
      } catch (error) {
        if (!isUploadGone(error)) throw error;
      }
    }
    const stored = Boolean(state.completing) && (await isStored(this.#job, this.#parts.partBytes));
    this.#forget();
    this.#parts = null;
    this.#etags.clear();
    this.#job.progress.restart();
    return stored;
  }

  async #sendAll() {
    this.#pending = this.#missing();
    if (this.#pending.length) await this.#parts?.prepare(this.#pending);
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
    return order.filter((number) => !this.#etags.has(number));
  }

  async #sendParts() {
    for (let number; (number = this.#pending.shift()); ) {
      const part = number;
      await this.#job.slots.run(this.#job.signal, () => this.#sendPart(part));
    }
  }

  /** @param {number} number */
  async #sendPart(number) {
    const { signal, progress } = this.#job;
    const parts = /** @type {S3Parts | ParParts} */ (this.#parts);
    const body = this.#body(number);
    const part = { number, body, onProgress: (/** @type {number} */ bytes) => progress.sent(number, bytes) };
    const attempt = () => parts.send(part, this.#pending);
    this.#etags.set(number, await withRetries(attempt, { signal, onWait: () => progress.waiting(number) }));
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
      await this.#parts?.complete(this.#etags, onWait);
    } catch (error) {
      // An earlier attempt may have succeeded, with its answer lost. Then the store has this file.
      const known = isUploadGone(error) || codeOf(error) === "PreconditionFailed";
      if (!known || !attempts || !(await isStored(this.#job, this.#partBytes))) throw error;
    }
    this.#forget();
  }

  get #partBytes() {
    return this.#parts?.partBytes ?? this.#job.file.size;
  }

  /** @param {number} number */
  #body(number) {
    return partOf(this.#job.file, this.#partBytes, number);
  }

  #recall() {
    return this.#unfinished.find(this.#user, this.#identity);
  }

  /** @param {{ completing?: boolean }} [more] */
  #remember(more) {
    this.#unfinished.remember(this.#user, { ...this.#identity, ...this.#parts?.resumeState, ...more });
  }

  #forget() {
    this.#unfinished.forget(this.#user, this.#identity);
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
