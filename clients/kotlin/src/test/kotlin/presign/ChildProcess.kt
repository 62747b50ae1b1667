package presign

import java.io.File

/** Uploads a file in a process of its own, and stops in the middle for ever if it is told how far to go. */
fun main(arguments: Array<String>) {
    val (file, key, state, most) = arguments
    Local.client().upload(File(file), key, "video/mp4", File(state)) { done, _ ->
        println(done)
        while (done > most.toLong()) Thread.sleep(1000)
    }
}

/** A process that uploads a file. */
class ChildProcess(file: File, key: String, state: File, most: Long = Long.MAX_VALUE) {
    private val command = listOf(
        "${System.getProperty("java.home")}/bin/java", "-cp", System.getProperty("surefire.test.class.path"),
        "presign.ChildProcessKt", file.path, key, state.path, "$most",
    )
    private val process = ProcessBuilder(command).redirectErrorStream(true).start()

    /** Kill it when it has come so far that it stopped. */
    fun killWhenBehind(most: Long) {
        process.inputStream.bufferedReader().useLines { lines -> check(lines.any { it.toLong() > most }) }
        process.destroyForcibly().waitFor()
    }

    /** How far it told to be, from its first word to its end. */
    fun progress(): List<Long> {
        val told = process.inputStream.bufferedReader().readLines()
        check(process.waitFor() == 0) { told.takeLast(20).joinToString("\n") }
        return told.map(String::toLong)
    }
}
