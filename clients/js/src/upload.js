/** @import { Api } from "./api.js" */
/** @import { Progress } from "./progress.js" */
/** @import { Slots } from "./slots.js" */
/** @import { UnfinishedUploads } from "./unfinished.js" */
/** @import { UploadJob } from "./upload_job.js" */
import { checkFunctions, checkText, checkTexts } from "./arguments.js";
import { codeOf, invalidArgument } from "./errors.js";
import { isBlob } from "./file.js";
import { oneAtATime } from "./locks.js";
import { mediaType } from "./media_type.js";
import { MultipartUpload } from "./multipart.js";
import { ProgressReport } from "./progress.js";
import { checkSignal } from "./signals.js";
import { etagOf, identityOf, isInTheWay, putSigner, storedAnswer } from "./upload_job.js";

/**
 * @typedef {object} UploadOptions
 * @property {(progress: Progress) => void} [onProgress]
 * @property {AbortSignal} [signal]  Cancels the upload; with `PAUSE` as its reason, the sent parts are kept.
 * @property {string} [contentType]  Media type of the object; by default the file's own.
 * @property {string} [cacheControl]  The header `Cache-Control` of the object, whenever it is read.
 * @property {Record<string, string>} [metadata]  Names and values that are stored with the object.
 * @property {boolean} [createOnly]  Fail if there is an object of this key.
 * @property {boolean} [integrity]  Send a digest with each part, so that the store refuses a part that arrives damaged.
 *
 * @typedef {object} StoredObject
 * @property {string} key
 * @property {number} size  In bytes.
 * @property {string | null} etag  Null where the store does not let a page read it.
 */

/** A file of this size or more is sent in parts. */
export const MULTIPART_FROM_BYTES = 16 * 2 ** 20;

/** After these failures an upload can't go on, and its parts are of no use. */
const FINAL_CODES = ["canceled", "limit_exceeded", "PreconditionFailed", "IfNoneMatchFailed"];
const ONLY_PART = 0;

/**
 * Store `file` as the object `key`.
 *
 * @param {{ api: Api, slots: Slots, unfinished: UnfinishedUploads }} context
 * @param {Blob} file
 * @param {string} key
 * @param {UploadOptions} options
 * @returns {Promise<StoredObject>}
 */
export async function upload({ api, slots, unfinished }, file, key, options) {
  if (!isBlob(file)) throw invalidArgument("The file to upload must be a File or a Blob.");
  const { contentType, cacheControl, metadata, createOnly = false, integrity = false, onProgress } = options;
  checkText(key, "The key");
  checkTexts({ contentType });
  checkFunctions({ onProgress });
  checkSignal(options.signal);
  const signal = options.signal ?? new AbortController().signal;
  const type = mediaType(contentType ?? file.type);
  const description = { key, content_type: type, cache_control: cacheControl, metadata };
  const [identity, user] = [await identityOf(file, key), await api.user(signal)];
  const progress = new ProgressReport(file.size, onProgress ?? (() => {}));
  const job = { api, slots, file, identity, user, key, description, createOnly, integrity, signal, progress };
  const etag = await oneAtATime(`presign upload ${unfinished.nameOf(user, identity)}`, signal, () =>
    file.size < MULTIPART_FROM_BYTES ? put(job) : sendInParts(job, unfinished),
  );
  progress.done();
  return { key, size: file.size, etag };
}

/**
 * @param {UploadJob} job
 * @returns {Promise<string | null>}  The object's ETag.
 */
async function put(job) {
  const { api, slots, file, signal, progress } = job;
  let attempts = 0;
  const onWait = () => {
    attempts++;
    progress.waiting(ONLY_PART);
  };
  const onProgress = (/** @type {number} */ bytes) => progress.sent(ONLY_PART, bytes);
  const sign = await putSigner(job, job);
  try {
    return etagOf(await slots.run(signal, () => api.send(sign, { signal, body: file, onProgress, onWait })));
  } catch (error) {
    // An earlier attempt may have succeeded, with its answer lost. Then the object in the way is this file.
    const stored = isInTheWay(error) && attempts ? await storedAnswer(job) : null;
    if (!stored) throw error;
    return etagOf(stored);
  }
}

/**
 * @param {UploadJob} job
 * @param {UnfinishedUploads} unfinished
 * @returns {Promise<string | null>}  The object's ETag.
 */
async function sendInParts(job, unfinished) {
  const multipart = new MultipartUpload(job, unfinished);
  try {
    return await multipart.run();
  } catch (error) {
    if (FINAL_CODES.includes(codeOf(error))) await multipart.discard().catch(() => {});
    throw error;
  }
}
