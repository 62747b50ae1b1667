// Stands in for WorkManager, which is not on Maven Central, so that the page's worker is compiled and run.

package androidx.work

import android.content.Context
import java.util.UUID

class Data(private val values: Map<String, String>) {
    fun getString(name: String): String? = values[name]
}

class WorkerParameters(val id: UUID, val inputData: Data)

abstract class ListenableWorker(val applicationContext: Context, parameters: WorkerParameters) {
    val id: UUID = parameters.id
    val inputData: Data = parameters.inputData
    var stopAfterQuestions = Int.MAX_VALUE
    val isStopped: Boolean get() = stopAfterQuestions-- <= 0

    class Result private constructor(val name: String) {
        companion object {
            fun success() = Result("success")
            fun retry() = Result("retry")
            fun failure() = Result("failure")
        }
    }
}

abstract class Worker(context: Context, parameters: WorkerParameters) : ListenableWorker(context, parameters) {
    abstract fun doWork(): Result
}
