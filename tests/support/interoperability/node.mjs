// `node node.mjs fetch` sends requests, `node node.mjs aws-sdk-2` and `aws-sdk-3` sign them. One JSON document comes on
// standard input, and one goes out.

import { text } from "node:stream/consumers";

const input = JSON.parse(await text(process.stdin));

const programs = {
  async fetch() {
    const answers = [];
    for (const { method, url, headers, body } of input) {
      const answer = await fetch(url, { method, headers, body });
      answers.push([answer.status, await answer.text()]);
    }
    return answers;
  },

  async "aws-sdk-2"() {
    process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = "1";
    const { default: AWS } = await import("aws-sdk");
    const { accessKeyId, secretAccessKey, endpoint, region } = input;
    const options = { accessKeyId, secretAccessKey, endpoint, region, s3ForcePathStyle: true, signatureVersion: "v4" };
    const client = new AWS.S3(options);
    client.getSkewCorrectedDate = () => new Date(input.now);
    return input.calls.map(({ operation, parameters }) => {
      const name = operation[0].toLowerCase() + operation.slice(1);
      return client.getSignedUrl(name, { ...parameters, Expires: input.expiresIn });
    });
  },

  async "aws-sdk-3"() {
    const sdk = await import("@aws-sdk/client-s3");
    const { getSignedUrl } = await import("@aws-sdk/s3-request-presigner");
    const { accessKeyId, secretAccessKey, endpoint, region } = input;
    const credentials = { accessKeyId, secretAccessKey };
    const client = new sdk.S3Client({ endpoint, region, forcePathStyle: true, credentials });
    const options = { expiresIn: input.expiresIn, signingDate: new Date(input.now) };
    const urls = [];
    for (const { operation, parameters } of input.calls) {
      urls.push(await getSignedUrl(client, new sdk[`${operation}Command`](parameters), options));
    }
    return urls;
  },
};

process.stdout.write(JSON.stringify(await programs[process.argv[2]]()));
