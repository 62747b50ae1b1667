// `node node.mjs NAME`: what python.py beside it does, for those that run in Node.

import { createInterface } from 'node:readline'

process.removeAllListeners('warning') // of what will need a newer Node
const { BENCH_ACCESS_KEY_ID: accessKeyId, BENCH_SECRET_ACCESS_KEY: secretAccessKey } = process.env
const { STORAGE_ENDPOINT: endpoint, REGION: region, DEFAULT_BUCKET: bucket, BENCH_KEY: key } = process.env
const expiresIn = 3600

const makers = {
  async 'aws-sdk-js' () {
    const { S3Client, GetObjectCommand } = await import('@aws-sdk/client-s3')
    const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner')
    const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } })
    return () => getSignedUrl(client, new GetObjectCommand({ Bucket: bucket, Key: key }), { expiresIn })
  },

  async 'minio-js' () {
    const { Client } = await import('minio')
    const { hostname, port, protocol } = new URL(endpoint)
    const client = new Client({
      endPoint: hostname,
      port: port ? Number(port) : undefined,
      useSSL: protocol === 'https:',
      accessKey: accessKeyId,
      secretKey: secretAccessKey,
      region,
      pathStyle: true
    })
    return () => client.presignedGetObject(bucket, key, expiresIn)
  },

  async aws4fetch () {
    const { AwsClient } = await import('aws4fetch')
    const client = new AwsClient({ accessKeyId, secretAccessKey, service: 's3', region })
    const url = `${endpoint}/${bucket}/${key}?X-Amz-Expires=${expiresIn}`
    return async () => (await client.sign(url, { aws: { signQuery: true } })).url
  }
}

const make = await makers[process.argv[2]]()
console.log(JSON.stringify(await make()))

for await (const line of createInterface({ input: process.stdin })) {
  const count = Number(line)
  const began = process.cpuUsage()
  for (let n = 0; n < count; n += 1) await make()
  const { user, system } = process.cpuUsage(began)
  console.log((user + system) / 1e6)
}
