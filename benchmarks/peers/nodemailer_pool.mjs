// nodemailer with a pool of 32 connections: node nodemailer_pool.mjs PORT COUNT
// One personalised mail a recipient, text and HTML, as many at once as the pool has connections.
import { createTransport } from "nodemailer";
import { subject, text, html } from "./sentences.mjs";

const [port, count] = process.argv.slice(2).map(Number);
const POOL = 32;
const transport = createTransport({
  host: "127.0.0.1", port, secure: false, ignoreTLS: true,
  pool: true, maxConnections: POOL, maxMessages: Infinity,
});
let next = 0, sent = 0;
async function line() {
  while (next < count) {
    const n = next++;
    await transport.sendMail({
      from: "service@example.com", to: `c${n}@example.com`,
      subject, text: text(n), html: html(n),
      headers: {
        "List-Unsubscribe": `<https://www.example.com/unsubscribe/${n}>`,
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
      },
    });
    sent++;
  }
}
await Promise.all(Array.from({ length: POOL }, line));
transport.close();
console.log(JSON.stringify({ sent }));
