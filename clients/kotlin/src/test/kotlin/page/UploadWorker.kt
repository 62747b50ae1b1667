import android.content.Context
import androidx.work.Worker
import androidx.work.WorkerParameters
import java.io.File
import presign.PresignClient
import presign.PresignException

class UploadWorker(context: Context, parameters: WorkerParameters) : Worker(context, parameters) {
    override fun doWork(): Result {
        val film = File(inputData.getString("file")!!)
        val key = inputData.getString("key")!!
        val state = File(applicationContext.filesDir, "$id.upload") // the same in each attempt of this work
        val files = PresignClient(App.PRESIGN_ENDPOINT, token = { refresh -> App.signIn.token(refresh) })
        return try {
            files.upload(film, key, "video/mp4", state, isStopped = { isStopped })
            Result.success()
        } catch (failure: PresignException) {
            if (failure.passes || failure.code in listOf("stopped", "no_token")) return Result.retry()
            runCatching { files.discard(key, state) } // or the parts that were sent would stay in the bucket
            Result.failure()
        }
    }
}
