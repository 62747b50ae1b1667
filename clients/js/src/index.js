/** @typedef {import("./api.js").PresignOptions} PresignOptions */
/** @typedef {import("./client.js").Share} Share */
/** @typedef {import("./errors.js").FieldError} FieldError */
/** @typedef {import("./listing.js").ListedObject} ListedObject */
/** @typedef {import("./progress.js").Progress} Progress */
/** @typedef {import("./unfinished.js").UnfinishedUpload} UnfinishedUpload */
/** @typedef {import("./upload.js").StoredObject} StoredObject */
/** @typedef {import("./upload.js").UploadOptions} UploadOptions */
export { PresignClient } from "./client.js";
export { PAUSE, PresignError } from "./errors.js";
export { MAX_PARTS, MIN_PART_BYTES } from "./s3_parts.js";
export { MULTIPART_FROM_BYTES } from "./upload.js";
