// A message centre of the npm package smpp: takes everything, delivers a receipt for what asks for
// one, and lists what it took.
const smpp = require("smpp");

const taken = [];
let ears = null;

const server = smpp.createServer((session) => {
  session.on("error", () => {});
  const bound = (pdu) => {
    ears = session;
    session.send(pdu.response());
  };
  session.on("bind_transceiver", bound);
  session.on("bind_receiver", bound);
  session.on("bind_transmitter", (pdu) => session.send(pdu.response()));
  session.on("enquire_link", (pdu) => session.send(pdu.response()));
  session.on("unbind", (pdu) => {
    session.send(pdu.response());
    session.close();
  });
  session.on("submit_sm", (pdu) => {
    const id = `n${taken.length + 1}`;
    const text = (one) => (one ? (one.message ?? String(one)) : "");
    taken.push({
      to: pdu.destination_addr,
      text: text(pdu.short_message),
      payload: text(pdu.message_payload),
      headed: Boolean(pdu.short_message.udh),
      coding: pdu.data_coding,
      until: pdu.validity_period ? new Date(pdu.validity_period).toISOString() : "",
    });
    session.send(pdu.response({ message_id: id }));
    if (ears && pdu.registered_delivery) {
      ears.deliver_sm({
        source_addr: pdu.destination_addr,
        destination_addr: pdu.source_addr,
        esm_class: 4,
        short_message: `id:${id} sub:001 dlvrd:001 stat:DELIVRD err:000 text:x`,
      });
    }
  });
});

server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("data", () => console.log(JSON.stringify(taken)));
process.stdin.on("end", () => process.exit(0));
