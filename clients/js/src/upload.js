/** @import { Api } from "./api.js" */
/** @import { Progress } from "./progress.js" */
/** @import { Slots } from "./slots.js" */
/** @import { UnfinishedUploads } from "./unfinished.js" */
/** @import { UploadJob } from "./upload_job.js" */
import { abortError, codeOf } from "./errors.js";
import { MultipartUpload } from "./multipart.js";
import { ProgressReport } from "./progress.js";
import { isStored, putSigner } from "./upload_job.js";

/**
 * @typedef {object} UploadOptions
 * @property {(progress: Progress) => void} [onProgress]
 * @property {AbortSignal} [signal]  Cancels the upload; with `PAUSE` as its reason, the sent parts are kept.
 * @property {string} [contentType]  Media type of the object; by default the file's own.
 * @property {Record<string, string>} [metadata]  Names and values that are stored with the object.
 * @property {boolean} [integrity]  Send a digest with each part, so that the store refuses a part that arrives damaged.
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
 * @param {File} file
 * @param {string} key
 * @param {UploadOptions} options
 */
export async function upload({ api, slots, unfinished }, file, key, options) {
  const { onProgress = () => {}, contentType, metadata, integrity = false } = options;
  const signal = options.signal ?? new AbortController().signal;
  if (signal.aborted) throw abortError(signal);
  const description = { key, content_type: contentType ?? (file.type || "application/octet-stream"), metadata };
  const progress = new ProgressReport(file.size, onProgress);
  const job = { api, slots, file, key, description, integrity, signal, progress };
  await (file.size < MULTIPART_FROM_BYTES ? put(job) : sendInParts(job, unfinished));
  progress.done();
}

/** @param {UploadJob} job */
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
    await slots.run(signal, () => api.send(sign, { signal, body: file, onProgress, onWait }));
  } catch (error) {
    // An earlier attempt may have succeeded, with its answer lost. Then the object in the way is this file.
    if (codeOf(error) !== "PreconditionFailed" || !attempts || !(await isStored(job))) throw error;
  }
}

/**
 * @param {UploadJob} job
 * @param {UnfinishedUploads} unfinished
 */
async function sendInParts(job, unfinished) {
  const multipart = await MultipartUpload.of(job, unfinished);
  try {
    await multipart.run();
  } catch (error) {
    if (FINAL_CODES.includes(codeOf(error))) await multipart.discard().catch(() => {});
    throw error;
  }
}
