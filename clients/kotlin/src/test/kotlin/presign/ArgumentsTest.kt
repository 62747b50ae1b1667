package presign

import java.io.IOException
import java.util.concurrent.CountDownLatch
import kotlin.concurrent.thread
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertInstanceOf
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.CsvSource
import org.junit.jupiter.params.provider.ValueSource

/** The client is given what it can't use. These tests need no system. */
class ArgumentsTest {
    @ParameterizedTest
    @ValueSource(
        strings = [
            "", " ", "a b", "https://", "//localhost/", "example.com/v1/presign", "localhost:8080/v1/presign",
            "http://192.0.2.1/v1/presign", "http://127.0.0.1.example.com/", "ftp://localhost/",
            "https://example.com:99999/", "https://example.com/v1/pre sign", "https://example.com/v1/\npresign",
            "https://example.com/v1/présign", "https://example.com/v1/presign?a=b", "https://example.com/v1/presign?",
            "https://example.com/v1/presign#a", "https://me:secret@example.com/v1/presign",
        ],
    )
    fun `the endpoint must be secure`(endpoint: String) {
        val failure = assertThrows(PresignException::class.java) { PresignClient(endpoint, { "" }) }
        assertEquals("invalid_argument", failure.code)
        assertTrue(failure.message!!.startsWith("The endpoint "))
        assertFalse("example" in failure.message!!)
    }

    @ParameterizedTest
    @ValueSource(
        strings = [
            "http://127.0.0.1:1/v1/presign", "http://127.0.0.1:1/v1/presign///", " http://127.0.0.1:1/v1/presign/\n",
            "HTTP://LOCALHOST:1/v1/presign", "http://[::1]:1/",
        ],
    )
    fun `an endpoint may be written as people do`(endpoint: String) {
        val client = PresignClient(endpoint, { "token" }, attempts = 1)
        val failure = assertThrows(PresignException::class.java) { client.share("a") }
        assertEquals("connection_failed", failure.code)
        PresignClient("HTTPS://EXAMPLE.COM/v1/presign/", { "token" })
    }

    @ParameterizedTest
    @ValueSource(ints = [Int.MIN_VALUE, -1, 0, 86_401, Int.MAX_VALUE])
    fun `a time-out is more than nothing, and less than for ever`(seconds: Int) {
        assertCode("invalid_argument") { PresignClient("http://127.0.0.1:1", { "token" }, timeoutSeconds = seconds) }
    }

    @Test
    fun `options are values that JSON can hold`() {
        val client = PresignClient("http://127.0.0.1:1", { "token" }, attempts = 1)
        assertCode("invalid_argument") { client.url("get_object", "a", mapOf("expires_in" to Double.NaN)) }
        assertCode("connection_failed") { client.url("get_object", "a", mapOf("a" to listOf(mapOf("b" to 1.5)))) }
    }

    @ParameterizedTest
    @CsvSource("8, 4", "3, 2")
    fun `a host that has no address is soon given up`(attempts: Int, pauses: Int) {
        var slept = 0L
        val unknown = listOf("a", "b", "c", "d").joinToString(".") { it.repeat(63) } // too long for a name
        val endpoint = "https://$unknown/v1/presign"
        val client = PresignClient(endpoint, { "token" }, attempts = attempts, sleep = { slept += it })
        val failure = assertThrows(PresignException::class.java) { client.share("a") }
        assertEquals("The connection to $unknown failed (UnknownHostException).", failure.message)
        assertTrue(failure.passes)
        val seconds = (0 until pauses).sumOf { 500L shl it }
        assertTrue(slept in seconds / 2 - pauses..seconds)
    }

    @ParameterizedTest
    @ValueSource(strings = ["", "secret\ntoken", "secret töken"])
    fun `a token that is none is not shown`(token: String) {
        val client = PresignClient("http://127.0.0.1:1", { token })
        val failure = assertThrows(PresignException::class.java) { client.share("a") }
        assertEquals("no_token", failure.code)
        assertFalse("secret" in failure.stackTraceToString())
    }

    @Test
    fun `a sign-in that fails has its cause`() {
        val client = PresignClient("http://127.0.0.1:1", { throw IOException("The user went away.") })
        val failure = assertThrows(PresignException::class.java) { client.share("a") }
        assertEquals("no_token" to "The user went away.", failure.code to failure.cause!!.message)
    }

    @Test
    fun `a call ends while another one's sign-in takes long`() {
        val (asked, signedIn) = CountDownLatch(1) to CountDownLatch(1)
        val client = PresignClient("http://127.0.0.1:1", { asked.countDown(); signedIn.await(); "token" }, attempts = 1)
        val first = thread { runCatching { client.share("a") } }
        asked.await()
        var failure: Throwable? = null
        val second = thread { failure = runCatching { client.share("a") }.exceptionOrNull() }
        while (second.state !in setOf(Thread.State.WAITING, Thread.State.BLOCKED)) Thread.sleep(1)
        second.interrupt()
        second.join(20_000)
        assertInstanceOf(InterruptedException::class.java, failure)
        signedIn.countDown()
        first.join()
    }

    @Test
    fun `older compilers can read the classes`() {
        val version = PresignClient::class.java.getAnnotation(Metadata::class.java).metadataVersion
        assertArrayEquals(intArrayOf(2, 1, 0), version)
    }
}
