// The actions of the tests with the client, each by a word on the command line. The token is in the environment.

import java.io.File
import presign.PresignClient
import presign.PresignException

// The names that the lines of docs/clients-mobile.md take from the app that they stand in.
@Suppress("ClassName")
object signIn {
    val token: String = System.getenv("PRESIGN_TOKEN")
}

fun show(done: Long, total: Long) = check(done <= total)

fun share(link: String) = println(link)

fun main(arguments: Array<String>) {
    val endpoint = System.getenv("PRESIGN_ENDPOINT")
    val token = System.getenv("PRESIGN_TOKEN")
    val client = PresignClient(endpoint, { token }, attempts = 3, sleep = {})
    val (command, key) = arguments
    val file = File(arguments.getOrElse(2) { "" })
    val told = mutableListOf<Long>()
    try {
        when (command) {
            "upload" -> client.upload(file, key, "image/png") { done, _ -> told += done }
            "parts" -> {
                val kept = File(arguments[3])
                val state = if (kept.exists()) kept.readText() else null
                client.uploadInParts(file, key, "video/mp4", state, kept::writeText, { done, _ -> told += done })
                kept.delete()
            }
            "download" -> client.download(key, file) { done, _ -> told += done }
            "delete" -> client.delete(key)
            "size" -> told += client.size(key) ?: -1
            "page" -> {
                store(file)
                println(work(file, File(arguments[3])) { false })
            }
            "link" -> println(client.url("get_object", key, mapOf("expires_in" to arguments[2].toInt())).url)
        }
        println("last: ${told.lastOrNull() ?: 0}")
    } catch (failure: PresignException) {
        println("${failure.code} ${failure.status} ${failure.errors} ${failure.message}")
    }
}
