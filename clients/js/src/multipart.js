/** @import { StoreAnswer } from "./store_answer.js" */
/** @import { UnfinishedUploads, UploadState } from "./unfinished.js" */
/** @import { UploadJob } from "./upload_job.js" */
import { abortUpload } from "./discard.js";
import { codeOf, PAUSE } from "./errors.js";
import { partOf } from "./file.js";
import { isUploadGone, ParParts } from "./par_parts.js";
import { withRetries } from "./retry.js";
import { S3Parts } from "./s3_parts.js";
import { following, within } from "./signals.js";
import { etagOf, isInTheWay, putSigner, storedAnswer } from "./upload_job.js";

/** How many transfers one client has under way; browsers open six connections to one host. */
export const TRANSFERS_AT_ONCE = 4;

/** Nobody who has canceled an upload waits longer until the store has dropped its parts. */
const DISCARD_MS = 10_000;

/** The upload of one file in parts, which can be interrupted and resumed. */
export class MultipartUpload {
  #job;
  #unfinished;
  /** @type {S3Parts | ParParts | null} */
  #parts = null;
  /** @type {number[]} */
  #pending = [];
  /** ETags of the parts that the store has; null where a page can't read it. @type {Map<number, string | null>} */
  #etags = new Map();

  /**
   * @param {UploadJob} job
   * @param {UnfinishedUploads} unfinished
   */
  constructor(job, unfinished) {
    this.#job = job;
    this.#unfinished = unfinished;
  }

  /** @returns {Promise<string | null>}  The object's ETag. */
  run() {
    return following(this.#job.signal, async (controller) => {
      this.#job = { ...this.#job, signal: controller.signal };
      const state = this.#recall();
      const stored = state && (await this.#resume(state));
      if (stored) return etagOf(stored);
      if (!this.#parts) await this.#begin();
      await this.#sendAll(controller);
      return etagOf(await this.#complete());
    });
  }

  /** Give the upload up, and let the store drop its parts. */
  async discard() {
    const state = this.#recall();
    if (!state) return;
    await within(DISCARD_MS, undefined, (signal) => abortUpload(this.#job.api, state, signal));
    this.#forget();
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
    const { api, signal, progress } = this.#job;
    const sign = async (/** @type {false | undefined} */ cors) => {
      const signer = await putSigner(this.#job, { integrity: false, cors });
      return withRetries(() => signer(signal), { signal, onWait: () => progress.waiting() });
    };
    try {
      return await sign(undefined);
    } catch (error) {
      if (codeOf(error) === "access_denied") return null; // the policy may allow parts only
      if (codeOf(error) !== "limit_exceeded" || !api.cors) throw error;
      // The store route takes less in one request than the policy may allow in parts.
      await sign(false);
      return null;
    }
  }

  /**
   * Go on with an upload that was begun before.
   *
   * @param {UploadState} state
   * @returns {Promise<StoreAnswer | null>}  About the object, if nothing is left to do.
   */
  async #resume(state) {
    const parts = state.accessUrl ? new ParParts(this.#job, null) : new S3Parts(this.#job);
    this.#parts = parts;
    const sent = await parts.resume(state);
    if (sent) {
      this.#etags = sent;
      for (const number of sent.keys()) this.#job.progress.sent(number, this.#body(number).size);
      if (parts instanceof S3Parts) return null;
      // Whether the store still has an upload by a PAR only shows when it is used.
      const [first] = this.#missing();
      try {
        if (!first) return await this.#complete();
        await this.#sendPart(first);
        return null;
      } catch (error) {
        if (!isUploadGone(error)) throw error;
      }
    }
    const stored = state.completing ? await storedAnswer(this.#job, parts.partBytes) : null;
    this.#forget();
    this.#parts = null;
    this.#etags.clear();
    this.#job.progress.restart();
    return stored;
  }

  /** @param {AbortController} controller  Ends the other transfers when one has failed. */
  async #sendAll(controller) {
    this.#pending = this.#missing();
    if (this.#pending.length) await this.#parts?.prepare(this.#pending);
    const senders = Array.from({ length: TRANSFERS_AT_ONCE }, () => this.#sendParts());
    try {
      await Promise.all(senders);
    } catch (error) {
      controller.abort(PAUSE);
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
    this.#remember();
  }

  async #complete() {
    const parts = /** @type {S3Parts | ParParts} */ (this.#parts);
    this.#remember({ completing: true });
    let attempts = 0;
    const onWait = () => {
      attempts++;
      this.#job.progress.waiting();
    };
    let answer;
    try {
      answer = await parts.complete(this.#etags, onWait);
    } catch (error) {
      // An earlier attempt may have succeeded, with its answer lost. Then the store has this file.
      const mayBeStored = attempts > 0 && (isUploadGone(error) || isInTheWay(error));
      answer = mayBeStored ? await storedAnswer(this.#job, parts.partBytes) : null;
      if (!answer) throw error;
    }
    this.#forget();
    return answer;
  }

  get #partBytes() {
    return this.#parts?.partBytes ?? this.#job.file.size;
  }

  /** The bytes of the parts that the store has. */
  get #loaded() {
    return [...this.#etags.keys()].reduce((sum, number) => sum + this.#body(number).size, 0);
  }

  /** @param {number} number */
  #body(number) {
    return partOf(this.#job.file, this.#partBytes, number);
  }

  #recall() {
    return this.#unfinished.find(this.#job.user, this.#job.identity);
  }

  /** @param {{ completing?: boolean }} [more] */
  #remember(more) {
    const state = { ...this.#job.identity, loaded: this.#loaded, ...this.#parts?.resumeState, ...more };
    this.#unfinished.remember(this.#job.user, state);
  }

  #forget() {
    this.#unfinished.forget(this.#job.user, this.#job.identity);
  }
}
