/** Reading a stream of server-sent events from the body of a fetch: EventSource can carry no token. */

export interface Message {
  /** The last id that was told, here or before; empty if none was. */
  id: string;
  event: string;
  data: string;
}

/**
 * Yield the messages of `body` as they come; `onBytes` is called for anything that arrives, heartbeats too.
 *
 * The format is that of the HTML standard, section 9.2.6. A block with an id alone is yielded with empty data, so that
 * a server may tell where the sequence stands.
 */
export async function* messages(
  body: ReadableStream<Uint8Array>,
  onBytes: () => void
): AsyncGenerator<Message, void, undefined> {
  const blocks = new BlockReader();
  const reader = body.getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return;
      }
      onBytes();
      yield* blocks.take(decoder.decode(value, { stream: true }));
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

class BlockReader {
  private rest = '';
  private id = '';

  *take(text: string): Generator<Message, void, undefined> {
    const blocks = (this.rest + text).replace(/\r\n/g, '\n').split('\n\n');
    this.rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const message = this.parse(block);
      if (message !== null) {
        yield message;
      }
    }
  }

  private parse(block: string): Message | null {
    const data: string[] = [];
    let event = 'message';
    let told = false;
    for (const line of block.split('\n')) {
      const [, name, value] = /^([^:]+)(?:: ?(.*))?$/.exec(line) ?? [];
      if (name === 'data') {
        data.push(value ?? '');
      } else if (name === 'event') {
        event = value ?? '';
      } else if (name === 'id') {
        this.id = value ?? '';
        told = true;
      }
    }
    return told || data.length > 0 ? { id: this.id, event, data: data.join('\n') } : null;
  }
}
