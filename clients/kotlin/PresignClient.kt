// A client of the presign function for Android and the JVM, in one file. It needs nothing but the platform and org.json,
// which Android has. All functions block: call them from a background thread, a coroutine on Dispatchers.IO or a Worker.

package presign

import java.io.File
import java.io.IOException
import java.io.InputStream
import java.io.RandomAccessFile
import java.net.HttpURLConnection
import java.net.URL
import java.security.MessageDigest
import java.util.Base64
import javax.xml.parsers.DocumentBuilderFactory
import kotlin.math.max
import kotlin.math.min
import org.json.JSONException
import org.json.JSONObject

/** An error in one field of a request: its JSON pointer, and what is wrong with it. */
data class FieldError(val pointer: String, val detail: String)

/**
 * The operation failed.
 *
 * @property code of the problem that the function told (`access_denied`, …), of the error that Object Storage told
 *   (`NoSuchKey`, …), or `connection_failed`, `file_changed`, `file_not_written` or `stopped`.
 * @property status of the answer, 0 if there was none.
 * @property errors the fields that are wrong, or the limits that were exceeded.
 * @property fromStore whether Object Storage answered so, not the function.
 */
class PresignException(
    message: String,
    val code: String,
    val status: Int = 0,
    val errors: List<FieldError> = emptyList(),
    val fromStore: Boolean = false,
    val retryAfterSeconds: Long = 0,
) : IOException(message) {
    /** Whether the same request may succeed later. */
    val passes: Boolean
        get() = code == "connection_failed" || status in listOf(408, 429, 502, 503, 504) || (fromStore && status == 500)
}

/**
 * A URL and how to use it: send [method] to [url] with exactly these [headers].
 *
 * @property id of a pre-authenticated request, which can be taken back.
 * @property answer everything that the function said.
 */
class PresignedUrl(val answer: JSONObject) {
    val url: String = answer.getString("url")
    val method: String = answer.getString("method")
    val headers: Map<String, String> = answer.getJSONObject("headers").let { found ->
        found.keys().asSequence().associateWith { found.getString(it) }
    }
    val expiresAt: String = answer.getString("expires_at")
    val id: String? = if (answer.isNull("id")) null else answer.getString("id")
}

/** Is told how many bytes have gone, and how many there are. The first number falls when bytes are sent again. */
typealias Progress = (done: Long, total: Long) -> Unit

/**
 * Works with the objects of one bucket.
 *
 * @param endpoint URL of the API, such as `https://…/presigner/v1/presign`.
 * @param token gives the caller's token; it is called before each request.
 * @param bucket the function's own default if null.
 * @param attempts how often a request is sent at most.
 * @param sleep waits so many milliseconds before another attempt.
 */
class PresignClient(
    private val endpoint: String,
    private val token: () -> String,
    private val bucket: String? = null,
    private val attempts: Int = 8,
    private val sleep: (Long) -> Unit = Thread::sleep,
) {
    /** A URL for an operation on an object. `options` are those of the operation, and `expires_in`. */
    fun url(operation: String, key: String, options: Map<String, Any> = emptyMap()): PresignedUrl =
        persistently { presign(operation, key, options) }

    /**
     * Store a file in one request, at most 5 GB on OCI. It is read again if the request fails.
     *
     * @throws PresignException it failed, or the file was written to meanwhile.
     */
    fun upload(file: File, key: String, contentType: String, progress: Progress = { _, _ -> }) {
        val size = file.length()
        val md5 = md5(file, 0, size)
        val options = mapOf("content_type" to contentType, "content_length" to size, "content_md5" to md5)
        persistently {
            send(presign("put_object", key, options), FilePart(file, 0, size)) { progress(it, size) }
        }
    }

    /**
     * Store a file in parts, and survive the end of the process: the caller keeps the state, and gives it to the next
     * call, which goes on from there.
     *
     * @param state what [save] got last, null to begin. It is ignored if it is of another file, key or bucket.
     * @param save keeps a state, before the next part is sent.
     * @param isStopped is asked before each part; true ends the call with the code `stopped`.
     * @throws PresignException it failed. The parts that were sent stay, until the next call, [abort], or a lifecycle rule
     *   of the bucket.
     */
    fun uploadInParts(
        file: File,
        key: String,
        contentType: String,
        state: String?,
        save: (String) -> Unit,
        progress: Progress = { _, _ -> },
        isStopped: () -> Boolean = { false },
    ) {
        val size = file.length()
        val of = "$bucket $key $size ${file.lastModified()}"
        var upload = state?.let(::JSONObject)?.takeIf { it.optString("of") == of } ?: begin(key, contentType, size, of)
        save(upload.toString())
        try {
            sendParts(file, key, upload, save, progress, isStopped)
        } catch (gone: PresignException) {
            if (gone.code != "NoSuchUpload" || state == null) throw gone
            if (upload.optBoolean("completing") && this.size(key) == size) return
            upload = begin(key, contentType, size, of)
            save(upload.toString())
            sendParts(file, key, upload, save, progress, isStopped)
        }
    }

    /** Drop an upload in parts that was begun, and the parts that were sent. */
    fun abort(key: String, state: String) {
        val options = mapOf("upload_id" to JSONObject(state).getString("upload_id"))
        persistently { send(presign("abort_multipart_upload", key, options)) }
    }

    /**
     * Read an object into a file, which is replaced once the object is there as a whole.
     *
     * @throws PresignException it failed, or the object was replaced meanwhile (status 412).
     */
    fun download(key: String, file: File, progress: Progress = { _, _ -> }) {
        val part = File(file.path + ".part")
        var etag: String? = null
        var total = -1L
        try {
            part.delete()
            persistently {
                val done = part.length()
                val url = presign("get_object", key)
                val range = if (done > 0) mapOf("Range" to "bytes=$done-", "If-Match" to etag!!) else emptyMap()
                if (done != total) {
                    receive(url, range) { connection, body ->
                        // A store that ignores the range sends everything again.
                        val start = if (connection.responseCode == 206) done else 0
                        etag = connection.getHeaderField("ETag")
                        total = start + connection.contentLengthLong
                        RandomAccessFile(part, "rw").use { out ->
                            out.setLength(start)
                            out.seek(start)
                            copy(body, out::write) { progress(start + it, total) }
                        }
                        if (part.length() != total) throw connectionFailed(url.url)
                    }
                }
            }
            if (!part.renameTo(file)) throw IOException("${file.name} could not be replaced.")
        } finally {
            part.delete()
        }
    }

    /** The bytes of an object, null if there is none. */
    fun size(key: String): Long? = try {
        persistently {
            receive(presign("head_object", key)) { connection, _ -> connection.contentLengthLong }
        }
    } catch (missing: PresignException) {
        if (missing.status != 404 || !missing.fromStore) throw missing
        null
    }

    /** Delete an object. There need not be one. */
    fun delete(key: String) {
        persistently { send(presign("delete_object", key)) }
    }

    private fun begin(key: String, contentType: String, size: Long, of: String): JSONObject {
        var partSize = 0L
        val answer = persistently {
            val url = presign("create_multipart_upload", key, mapOf("content_type" to contentType))
            val most = url.answer.optLong("max_content_length", size)
            if (size > most) {
                val error = FieldError("/content_length", "must be at most $most")
                throw PresignException("The file is larger than is allowed.", "limit_exceeded", 403, listOf(error))
            }
            val maxParts = url.answer.optLong("max_parts", MAX_PARTS)
            val least = (size + maxParts - 1) / maxParts
            partSize = max(url.answer.optLong("part_size", MIN_PART_BYTES), least)
            send(url)
        }
        val id = element(answer.body, "UploadId") ?: throw PresignException("There is no UploadId.", "no_upload_id")
        return JSONObject().put("of", of).put("upload_id", id).put("part_size", partSize).put("etags", JSONObject())
    }

    private fun sendParts(
        file: File,
        key: String,
        upload: JSONObject,
        save: (String) -> Unit,
        progress: Progress,
        isStopped: () -> Boolean,
    ) {
        val size = file.length()
        val modified = file.lastModified()
        val partSize = upload.getLong("part_size")
        val etags = upload.getJSONObject("etags")
        val count = max(1, (size + partSize - 1) / partSize)
        for (number in 1..count) {
            val start = (number - 1) * partSize
            if (etags.has("$number")) continue
            if (isStopped()) throw PresignException("The upload was stopped.", "stopped")
            etags.put("$number", sendPart(FilePart(file, start, min(partSize, size - start)), key, upload, number) {
                progress(start + it, size)
            })
            save(upload.toString())
        }
        if (file.length() != size || file.lastModified() != modified) {
            throw PresignException("The file was changed while it was uploaded.", "file_changed")
        }
        save(upload.put("completing", true).toString())
        val listed = (1..count).joinToString("") {
            val etag = etags.getString("$it").replace("&", "&amp;").replace("<", "&lt;")
            "<Part><PartNumber>$it</PartNumber><ETag>$etag</ETag></Part>"
        }
        val document = "<CompleteMultipartUpload>$listed</CompleteMultipartUpload>".toByteArray()
        persistently {
            send(presign("complete_multipart_upload", key, id(upload)), document, timeoutMs = COMPLETION_MS)
        }
    }

    private fun sendPart(part: FilePart, key: String, upload: JSONObject, number: Long, progress: (Long) -> Unit): String {
        val md5 = md5(part.file, part.start, part.size)
        val options = id(upload) + mapOf("part_number" to number, "content_length" to part.size, "content_md5" to md5)
        // Each attempt has a URL of its own, so that it does not matter how long the one before took.
        val answer = persistently { send(presign("upload_part", key, options), part, progress = progress) }
        return answer.etag ?: throw PresignException("The part has no ETag.", "no_etag")
    }

    private fun id(upload: JSONObject) = mapOf<String, Any>("upload_id" to upload.getString("upload_id"))

    private fun presign(operation: String, key: String, options: Map<String, Any> = emptyMap()): PresignedUrl {
        val request = JSONObject(options).put("operation", operation).put("key", key)
        if (bucket != null) request.put("bucket", bucket)
        val headers = mapOf("Authorization" to "Bearer ${token()}", "Content-Type" to "application/json")
        return exchange("POST", endpoint, headers, request.toString().toByteArray(), TIMEOUT_MS) { connection, body ->
            val text = body.readBytes().toString(Charsets.UTF_8)
            val answer = try { JSONObject(text) } catch (_: JSONException) { JSONObject() }
            if (connection.responseCode != 200) throw problem(answer, connection)
            PresignedUrl(answer)
        }
    }

    private class Answer(val body: ByteArray, val etag: String?)

    /** Send what a URL is for, with a body: a [FilePart], bytes, or none. */
    private fun send(
        url: PresignedUrl,
        body: Any? = null,
        timeoutMs: Int = TIMEOUT_MS,
        progress: (Long) -> Unit = {},
    ): Answer = receive(url, emptyMap(), body, timeoutMs, progress) { connection, answer ->
        Answer(answer.readBytes(), connection.getHeaderField("ETag")).also {
            // S3 may have sent the status 200 before it finds that it can't join the parts.
            if (isError(it.body)) throw storeError(it.body, 500, connection)
        }
    }

    private fun <T> receive(
        url: PresignedUrl,
        more: Map<String, String> = emptyMap(),
        body: Any? = null,
        timeoutMs: Int = TIMEOUT_MS,
        progress: (Long) -> Unit = {},
        read: (HttpURLConnection, InputStream) -> T,
    ): T = exchange(url.method, url.url, url.headers + more, body, timeoutMs, progress) { connection, answer ->
        val status = connection.responseCode
        if (status !in 200..299) throw storeError(answer.readBytes(), status, connection)
        read(connection, answer)
    }

    private fun <T> exchange(
        method: String,
        url: String,
        headers: Map<String, String>,
        body: Any?,
        timeoutMs: Int,
        progress: (Long) -> Unit = {},
        read: (HttpURLConnection, InputStream) -> T,
    ): T {
        val connection = URL(url).openConnection() as HttpURLConnection
        try {
            connection.requestMethod = method
            connection.connectTimeout = CONNECT_MS
            connection.readTimeout = timeoutMs
            connection.instanceFollowRedirects = false
            connection.useCaches = false
            connection.setRequestProperty("Accept-Encoding", "identity")
            for ((name, value) in headers) {
                if (name.lowercase() != "content-length") connection.setRequestProperty(name, value)
            }
            write(connection, method, body, progress)
            val stream = if (connection.responseCode < 400) connection.inputStream else connection.errorStream
            return (stream ?: ByteArray(0).inputStream()).use { read(connection, it) }
        } catch (failure: PresignException) {
            throw failure
        } catch (failure: IOException) {
            if (failure is FileFailed) throw PresignException(failure.message!!, failure.code)
            throw connectionFailed(url) // the text of the failure may hold the URL
        } finally {
            connection.disconnect()
        }
    }

    private fun write(connection: HttpURLConnection, method: String, body: Any?, progress: (Long) -> Unit) {
        if (method != "PUT" && method != "POST") return
        connection.doOutput = true
        when (body) {
            is FilePart -> {
                connection.setFixedLengthStreamingMode(body.size)
                connection.outputStream.use { out -> body.writeTo({ bytes, count -> out.write(bytes, 0, count) }, progress) }
            }
            else -> {
                val bytes = body as ByteArray? ?: ByteArray(0)
                connection.setFixedLengthStreamingMode(bytes.size)
                connection.outputStream.use { it.write(bytes) }
            }
        }
    }

    /** Try again, with growing pauses, what may succeed later. After a 403 of the store at once: the URL had expired. */
    private fun <T> persistently(attempt: () -> T): T {
        var failures = 0
        var refusals = 0
        while (true) {
            try {
                return attempt()
            } catch (failure: PresignException) {
                if (failure.fromStore && failure.status == 403 && refusals++ < EXPIRED_IN_A_ROW) continue
                if (!failure.passes || ++failures >= attempts) throw failure
                val pause = min(FIRST_PAUSE_MS shl (failures - 1), MAX_PAUSE_MS)
                sleep(max((pause * (0.5 + Math.random() / 2)).toLong(), failure.retryAfterSeconds * 1000))
            }
        }
    }

    private companion object {
        const val MIN_PART_BYTES = 5L shl 20
        const val MAX_PARTS = 10_000L
        const val CONNECT_MS = 10_000
        const val TIMEOUT_MS = 60_000
        const val COMPLETION_MS = 600_000
        const val FIRST_PAUSE_MS = 500L
        const val MAX_PAUSE_MS = 30_000L
        const val EXPIRED_IN_A_ROW = 2
    }
}

private const val CHUNK_BYTES = 1 shl 16

/** It is the file, not the connection, that failed. */
private class FileFailed(message: String, val code: String) : IOException(message)

/** Some bytes of a file. */
private class FilePart(val file: File, val start: Long, val size: Long) {
    fun writeTo(write: (ByteArray, Int) -> Unit, progress: (Long) -> Unit) {
        val chunk = ByteArray(CHUNK_BYTES)
        RandomAccessFile(file, "r").use { input ->
            input.seek(start)
            var done = 0L
            while (done < size) {
                val count = input.read(chunk, 0, min(chunk.size.toLong(), size - done).toInt())
                if (count < 0) throw FileFailed("The file became shorter while it was uploaded.", "file_changed")
                write(chunk, count)
                done += count
                progress(done)
            }
        }
    }
}

private fun md5(file: File, start: Long, size: Long): String {
    val digest = MessageDigest.getInstance("MD5")
    FilePart(file, start, size).writeTo({ bytes, count -> digest.update(bytes, 0, count) }, {})
    return Base64.getEncoder().encodeToString(digest.digest())
}

private fun copy(input: InputStream, write: (ByteArray, Int, Int) -> Unit, progress: (Long) -> Unit) {
    val chunk = ByteArray(CHUNK_BYTES)
    var done = 0L
    while (true) {
        val count = input.read(chunk)
        if (count < 0) return
        try {
            write(chunk, 0, count)
        } catch (failure: IOException) {
            throw FileFailed("The file could not be written: ${failure.message}", "file_not_written")
        }
        done += count
        progress(done)
    }
}

private fun connectionFailed(url: String) =
    PresignException("The connection to ${URL(url).host} failed.", "connection_failed")

private fun problem(answer: JSONObject, connection: HttpURLConnection): PresignException {
    val status = connection.responseCode
    val errors = answer.optJSONArray("errors")
    val found = (0 until (errors?.length() ?: 0)).map { errors!!.getJSONObject(it) }
        .map { FieldError(it.getString("pointer"), it.getString("detail")) }
    val detail = answer.optString("detail", answer.optString("message", "The server answered with status $status."))
    return PresignException(
        detail, answer.optString("code").ifEmpty { "http_$status" }, status, found, false, retryAfter(connection)
    )
}

private fun storeError(body: ByteArray, status: Int, connection: HttpURLConnection): PresignException {
    val code = element(body, "Code") ?: "http_$status"
    val message = element(body, "Message") ?: "Object Storage answered with status $status."
    return PresignException(message, code, status, fromStore = true, retryAfterSeconds = retryAfter(connection))
}

private fun retryAfter(connection: HttpURLConnection): Long =
    connection.getHeaderField("Retry-After")?.toLongOrNull() ?: 0

private fun isError(body: ByteArray) = body.toString(Charsets.UTF_8).contains("<Error>")

/** The text of an element of an answer in XML. */
private fun element(body: ByteArray, name: String): String? = try {
    val document = DocumentBuilderFactory.newInstance().newDocumentBuilder()
        .apply { setErrorHandler(null) }
        .parse(body.inputStream())
    document.getElementsByTagName(name).item(0)?.textContent
} catch (_: org.xml.sax.SAXException) {
    null
}
