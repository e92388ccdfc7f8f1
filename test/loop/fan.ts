import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Hands every delivery to several apps at once. GitHub is told of the worst answer. */
export async function startFan({ before = async () => {} }: { before?: () => Promise<void> } = {}) {
  const ports: number[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { host: _host, connection: _connection, 'content-length': _length, ...headers } = request.headers;
    const copies = ports.map(async (port) => {
      await before();
      const answer = await fetch(`http://127.0.0.1:${port}${request.url}`, {
        method: 'POST',
        headers: headers as Record<string, string>,
        body: Buffer.concat(chunks),
      }).catch(() => null);
      return answer?.status ?? 502;
    });
    response.writeHead(Math.max(...(await Promise.all(copies)), 200)).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    /** Where the apps listen. */
    ports,
    async close(): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export type Fan = Awaited<ReturnType<typeof startFan>>;
