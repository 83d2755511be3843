/** gRPC over HTTP/2, as much as Terraform asks of a provider: one message in, one message out. @module */
import type { Http2Server, Http2Session, ServerHttp2Stream } from "node:http2";
import { log } from "./log.ts";

/** Answers a call. `undefined`: there is no such method. `"held"`: the stream stays open and nothing comes. */
export type Answer = (
  path: string,
  message: Uint8Array,
  connection: Http2Session | undefined,
) => Promise<Uint8Array | "held" | undefined>;

/** Status codes of gRPC. */
const UNIMPLEMENTED = 12;
const INTERNAL = 13;
const HEADER = 5;
const WINDOW = 16 * 1024 * 1024;

/** @param onAnswered called when an answer has left this process */
export function serveGrpc(server: Http2Server, answer: Answer, onAnswered: (path: string) => void): void {
  server.on("session", (session) => session.setLocalWindowSize(WINDOW));
  server.on("stream", (stream: ServerHttp2Stream, headers) => {
    const path = String(headers[":path"]);
    const chunks: Buffer[] = [];
    let begun = false;
    const begin = () => {
      if (begun) return;
      begun = true;
      const body = Buffer.concat(chunks);
      const length = body.length < HEADER ? 0 : body.readUInt32BE(1);
      answer(path, body.subarray(HEADER, HEADER + length), stream.session).then(
        (message) => respond(stream, message, () => onAnswered(path)),
        (error: unknown) => {
          log("error", `${path} failed`, error);
          refuse(stream, INTERNAL, "this is a bug in Ebb");
        },
      );
    };
    // Terraform may have gone, or have given the call up.
    stream.on("error", () => undefined);
    stream.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
    });
    stream.on("end", begin);
  });
}

function respond(stream: ServerHttp2Stream, message: Uint8Array | "held" | undefined, done: () => void): void {
  if (stream.destroyed) return;
  if (message === undefined) {
    refuse(stream, UNIMPLEMENTED, "not implemented");
    return;
  }
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  if (message === "held") return;
  const header = Buffer.alloc(HEADER);
  header.writeUInt32BE(message.length, 1);
  stream.on("close", done);
  stream.end(Buffer.concat([header, message]));
}

function refuse(stream: ServerHttp2Stream, status: number, message: string): void {
  if (stream.destroyed) return;
  const headers = {
    ":status": 200,
    "content-type": "application/grpc",
    "grpc-status": status,
    "grpc-message": message,
  };
  stream.respond(headers, { endStream: true });
}
