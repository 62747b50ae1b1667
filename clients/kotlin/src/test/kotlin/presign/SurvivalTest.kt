package presign

import java.io.File
import java.net.ServerSocket
import kotlin.concurrent.thread
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.CsvSource
import org.junit.jupiter.params.provider.ValueSource

/** The client meets answers that nothing should give, of servers that it must not trust. */
@NeedsSystem
class SurvivalTest {
    @TempDir
    lateinit var folder: File

    @ParameterizedTest
    @CsvSource(
        "401 | unauthorized | The token is missing, expired or not valid: get a new one.",
        "404 | wrong_endpoint | The API has no such path: the endpoint ends in /v1/presign.",
        "405 | wrong_endpoint | The API has no such path: the endpoint ends in /v1/presign.",
        "wrong-path | wrong_endpoint | The API has no such path: the endpoint ends in /v1/presign.",
        "413 | payload_too_large | The request is larger than the API takes: ask for fewer URLs at once.",
        "415 | wrong_media_type | The API got no JSON: a proxy may have changed the Content-Type.",
        delimiter = '|',
    )
    fun `an error of the API says what to do`(key: String, code: String, message: String) {
        val failure = Hostile.failure { it.share(key) }
        assertEquals(code to message, failure.code to failure.message)
    }

    @ParameterizedTest
    @CsvSource(
        "sign-in-page, foreign_answer", "no-url, foreign_answer", "firewall, foreign_answer", "redirect, redirected",
        "insecure, foreign_answer", "bad-port, foreign_answer", "bad-method, foreign_answer",
        "bad-header, foreign_answer",
    )
    fun `a foreign answer is no answer of the function`(key: String, code: String) {
        assertEquals(code, Hostile.failure { it.download(key, File(folder, "a")) }.code)
        assertEquals(code, Hostile.failure { it.share(key) }.code)
        assertEquals(0, folder.list()!!.size)
    }

    @ParameterizedTest
    @CsvSource(
        "entities, foreign_answer", "deep, foreign_answer", "store-html, foreign_answer", "store-json, foreign_answer",
        "store-sign-in-page, foreign_answer", "store-redirect, redirected", "endless, foreign_answer",
    )
    fun `a foreign answer is no answer of the store`(key: String, code: String) {
        assertEquals(code, Hostile.failure { it.download(key, File(folder, "a")) }.code)
        assertEquals(0, folder.list()!!.size)
    }

    @ParameterizedTest
    @CsvSource("store-sign-in-page, foreign_answer", "store-redirect, redirected", "endless, foreign_answer")
    fun `a foreign answer does not mean that a file was stored`(key: String, code: String) {
        assertEquals(code, Hostile.failure { it.upload(made(folder, "a", 5), key, "text/plain") }.code)
        assertEquals(code, Hostile.failure { it.list(key).toList() }.code)
    }

    @Test
    fun `a size that is not told is none`() {
        assertEquals("foreign_answer", Hostile.failure { it.size("no-length") }.code)
    }

    @ParameterizedTest
    @CsvSource(
        "list-cut, ", "list-same, ", "list-nameless, ", "par-list-same, par", "par-list-nameless, par",
        "par-list-numbers, par",
    )
    fun `a list that is not whole is none`(key: String, via: String?) {
        val failure = Hostile.failure(Hostile.client(via = via)) { it.list("$key/").toList() }
        assertEquals("foreign_answer" to true, failure.code to failure.fromStore)
    }

    @Test
    fun `a key in a list may be written in each way of XML`() {
        assertEquals("a&b&c", Hostile.client().list("list-escaped").single().key)
    }

    @Test
    fun `an answer that allows no parts is none`() {
        val file = made(folder, "a", 16 * MIB)
        assertEquals("foreign_answer", Hostile.failure { it.upload(file, "no-parts", "text/plain") }.code)
    }

    @Test
    fun `no redirect is followed, with a body or without`() {
        Hostile.failure { it.upload(made(folder, "a", 5), "store-redirect", "text/plain") }
        Hostile.failure { it.share("redirect") }
        assertEquals(0, Hostile.seen("stolen"))
    }

    @Test
    fun `no message shows a URL`() {
        val failure = Hostile.failure { it.download("telling", File(folder, "a")) }
        assertEquals("Telling" to "Object Storage answered with status 400.", failure.code to failure.message)
        ServerSocket(0).use { server ->
            val client = PresignClient("http://127.0.0.1:${server.localPort}/secret", { "a" }, attempts = 1)
            server.close()
            val lost = Hostile.failure(client) { it.share("a") }
            val message = "The connection to 127.0.0.1 failed (ConnectException)."
            assertEquals("connection_failed" to message, lost.code to lost.message)
        }
    }

    @ParameterizedTest
    @CsvSource("patient, 1", "store-patient, 1")
    fun `a server that asks for years of patience is not waited for`(key: String, attempts: Int) {
        val before = Hostile.seen(key)
        val client = Hostile.client { error("waited") }
        val failure = Hostile.failure(client) { it.download(key, File(folder, "a")) }
        assertEquals(503 to Long.MAX_VALUE, failure.status to failure.retryAfterSeconds)
        assertTrue(failure.passes)
        assertEquals(attempts, Hostile.seen(key) - before)
    }

    @ParameterizedTest
    @CsvSource("nonsense, 1", "flaky, 2", "cut, 1", "restarts, 1")
    fun `what may pass is tried again`(key: String, pauses: Int) {
        var slept = 0L
        val client = Hostile.client { slept += it }
        assertTrue(client.download(key, File(folder, "a")).verified)
        assertEquals("the bytes of the object", File(folder, "a").readText())
        assertTrue(slept in 250L * pauses..1000L * pauses)
    }

    @Test
    fun `an expired URL is asked for again at once`() {
        val client = Hostile.client { error("waited") }
        assertTrue(client.download("expired", File(folder, "a")).verified)
        val before = Hostile.seen("always-expired")
        assertEquals("AccessDenied", Hostile.failure(client) { it.download("always-expired", File(folder, "a")) }.code)
        assertEquals(3, Hostile.seen("always-expired") - before)
    }

    @Test
    fun `what can't pass is not tried again`() {
        val client = Hostile.client { error("waited") }
        val before = Hostile.seen("object/refused")
        assertEquals("InvalidArgument", Hostile.failure(client) { it.download("refused", File(folder, "a")) }.code)
        assertEquals(1, Hostile.seen("object/refused") - before)
        assertEquals("wrong_endpoint", Hostile.failure(client) { it.share("404") }.code)
    }

    @Test
    fun `bytes that are not those that were uploaded are refused`() {
        assertEquals("checksum_mismatch", Hostile.failure { it.download("damaged", File(folder, "a")) }.code)
        assertEquals(0, folder.list()!!.size)
        assertTrue(Hostile.client().download("whole", File(folder, "a")).verified)
    }

    @ParameterizedTest
    @ValueSource(strings = ["silent", "store-silent", "drops"])
    fun `there is a deadline for an answer`(key: String) {
        val client = Hostile.client(attempts = 1, timeoutSeconds = 1)
        val failure = Hostile.failure(client) { it.download(key, File(folder, "a")) }
        val message = "The connection to 127.0.0.1 failed (SocketTimeoutException)."
        assertEquals(Triple("connection_failed", message, true), Triple(failure.code, failure.message, failure.passes))
    }

    @Test
    fun `there is a deadline for bytes that nobody takes`() {
        ServerSocket(0).use { deaf ->
            val client = PresignClient("http://127.0.0.1:${deaf.localPort}/", { "a" }, attempts = 1, timeoutSeconds = 1)
            val failure = Hostile.failure(client) { it.url("get_object", "a".repeat(20 * MIB)) }
            assertEquals("The connection to 127.0.0.1 failed (SocketTimeoutException).", failure.message)
        }
    }

    @Test
    fun `a pause ends when the caller stops the transfer`() {
        var isStopped = false
        val client = Hostile.client { isStopped = true }
        val failure = Hostile.failure(client) { it.download("busy", File(folder, "a"), isStopped = { isStopped }) }
        assertEquals("stopped", failure.code)
    }

    @ParameterizedTest
    @ValueSource(strings = ["silent", "object/store-silent", "object/drops"])
    fun `a call that waits for a server ends when its caller wants it`(path: String) {
        val (key, file) = path.substringAfter('/') to File(folder, "a")
        var isStopped = false
        val stopped = ended(path, { isStopped = true }) { it.download(key, file, isStopped = { isStopped }) }
        assertEquals("stopped", (stopped as PresignException).code)
        val interrupted = ended(path, Thread::interrupt) { it.download(key, file) }
        assertEquals(InterruptedException::class, interrupted::class)
        val listing = ended(path, Thread::interrupt) { it.list(key).toList() }
        assertEquals(InterruptedException::class, listing::class)
        assertEquals(0, folder.list()!!.size)
    }

    @Test
    fun `the end of an upload is not waited for long`() {
        val file = made(folder, "a", 16 * MIB)
        val begun = System.nanoTime()
        val upload = { client: PresignClient -> client.upload(file, "parts-silent", "text/plain") }
        val failure = ended("object/parts-silent", Thread::interrupt, requests = 2) { upload(it) }
        assertEquals(InterruptedException::class, failure::class)
        assertTrue((System.nanoTime() - begun) / 1_000_000_000 in 9..15)
    }

    /** The failure of a call that waits for a server, which has so many of its requests, until it is ended. */
    private fun ended(
        path: String, end: (Thread) -> Unit, requests: Int = 1, call: (PresignClient) -> Unit,
    ): Throwable {
        var failure: Throwable? = null
        val client = Hostile.client(timeoutSeconds = 30)
        val before = Hostile.seen(path)
        val thread = thread { failure = runCatching { call(client) }.exceptionOrNull() }
        while (Hostile.seen(path) < before + requests) Thread.sleep(1)
        end(thread)
        thread.join(20_000)
        assertFalse(thread.isAlive)
        return failure!!
    }

    @Test
    fun `progress comes last in each function`() {
        assertNotNull(Hostile.client().download("whole", File(folder, "a")) { done, total -> check(done <= total) })
    }
}
